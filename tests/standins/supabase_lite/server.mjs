// Supabase's REST API and Supabase Auth over the databases of a local Postgres, for tests: /<database>/rest/v1/…
// is the REST API of that database, /<database>~<n>/rest/v1/… the same with its "Max rows" set to n, and
// /<database>/auth/v1/… signs people in. Tests set sign-in up through PUT /<database>/sign-in, add people with
// POST /<database>/people, and read what was sent to them from GET /<database>/mails.
//
// Reads {"socketFolder", "jwtSecret", "publishableKey", "secretKey"} as one line from its standard input and
// prints {"port"} when it is ready. Ends with its standard input, so that it never outlives the tests.

import { AsyncLocalStorage } from "node:async_hooks";
import { createInterface } from "node:readline/promises";
import { serve } from "@hono/node-server";
import { App } from "@supabase/lite";
import { createPostgresConnection } from "@supabase/lite/postgres";
import { jwtVerify } from "jose";
import { addUser, DEFAULT_SETTINGS, openAuth } from "./auth.mjs";

const input = createInterface({ input: process.stdin });
const wanted = JSON.parse((await input[Symbol.asyncIterator]().next()).value);
const { socketFolder, jwtSecret, publishableKey, secretKey } = wanted;
const MAX_ROWS = 1000; // what a Supabase project starts with
const KEEP_ALIVE_MS = 60_000; // like the proxies before a real project; node's own default is 5 s
const KEYS = {
  [publishableKey]: { type: "publishable", claims: { role: "anon" } },
  [secretKey]: { type: "secret", claims: { role: "service_role" } },
};
const apis = new Map();
const signIns = new Map(); // by database, and for as long as the process lives: what tests set, what was mailed
const asked = new AsyncLocalStorage();

// The older keys are tokens signed with the project's own secret; @supabase/lite knows the new ones only.
async function resolveKey(key) {
  if (key in KEYS) return KEYS[key];
  try {
    const { payload } = await jwtVerify(key, new TextEncoder().encode(jwtSecret));
    return { type: payload.role === "service_role" ? "secret" : "publishable", claims: payload };
  } catch {
    return null;
  }
}

function open(name) {
  const [database, maxRows] = name.split("~");
  const connection = createPostgresConnection({
    url: "",
    postgresOptions: {
      host: socketFolder, port: 5432, database, username: "postgres", max: 6, onnotice: () => {},
    },
  });
  // Left alone it would grant every table to every role, and our own grants would go untested.
  connection.rlsState = "active";
  rememberErrors(connection);
  const app = new App({
    connection,
    api: { max_rows: Number(maxRows ?? MAX_ROWS) },
    auth: { enabled: false, jwt_secret: jwtSecret },
    options: {
      server: {
        disableStudio: true,
        disableFallback: true,
        apiKeys: { resolver: resolveKey },
        middlewares: [takeTokensAtTheirWord],
      },
    },
  });
  return { app, connection, database };
}

function signInOf(database) {
  if (!signIns.has(database)) signIns.set(database, { settings: DEFAULT_SETTINGS, mails: [] });
  return signIns.get(database);
}

// REST and sign-in are two: REST looks nobody up, and most tests never sign in.
function authOf(project) {
  const { connection, database } = project;
  project.auth ??= openAuth({ connection, jwtSecret, resolveKey, ...signInOf(database) }).catch(
    (error) => {
      project.auth = undefined; // the next request may find the database there
      throw error;
    },
  );
  return project.auth;
}

async function answerToTests(project, what, request) {
  const signIn = signInOf(project.database);
  if (what === "mails") return Response.json(signIn.mails);
  const told = await request.json();
  if (what === "people") return Response.json(await addUser(project.connection, told));
  signIn.settings = { ...DEFAULT_SETTINGS, ...told };
  project.auth = undefined;
  return new Response(null, { status: 204 });
}

// PostgREST checks a token's signature and times and looks nobody up in auth.users. @supabase/lite does both,
// unless the request is known to be somebody's already.
async function takeTokensAtTheirWord(context, next) {
  context.set("userId", "not looked up");
  context.set("sessionId", "not looked up");
  await next();
}

function rememberErrors(connection) {
  const withContext = connection.withContext.bind(connection);
  connection.withContext = async (...parameters) => {
    try {
      return await withContext(...parameters);
    } catch (error) {
      asked.getStore().error = error;
      throw error;
    }
  };
}

// @supabase/lite answers "SUP" for SQLSTATEs it does not know (check violations, deadlocks, our own MP00x);
// PostgREST passes every SQLSTATE on, and has a code of its own for a connection that broke.
async function withSqlState(answer, error) {
  if (error?.syscall || error?.code?.startsWith?.("CONNECTION_")) {
    return Response.json({ code: "PGRST001", message: "Database client error" }, { status: 503 });
  }
  if (answer.status !== 500 || error?.name !== "PostgresError") return answer;
  const body = await answer.clone().json();
  if (body.code !== "SUP") return answer;
  const { code, message, detail, hint } = error;
  const told = { code, message, details: detail ?? null, hint: hint ?? null };
  const status = /^(40|53|54|55|57|58|XX)/.test(code) ? 500 : 400;
  return Response.json(told, { status });
}

async function close(name) {
  await apis.get(name)?.connection.driver.end({ timeout: 1 }); // seconds; a dead one never answers
  apis.delete(name);
}

async function answer(request, environment) {
  const url = new URL(request.url);
  const [, name, ...path] = url.pathname.split("/");
  if (request.method === "DELETE" && path.length === 0) {
    await close(name);
    return new Response(null, { status: 204 });
  }
  if (!apis.has(name)) apis.set(name, open(name));
  const project = apis.get(name);
  if (path.length === 1 && ["mails", "people", "sign-in"].includes(path[0])) {
    return answerToTests(project, path[0], request);
  }
  url.pathname = `/${path.join("/")}`;
  const { method, headers } = request;
  const body = ["GET", "HEAD"].includes(method) ? undefined : await request.arrayBuffer();
  const peerAddress = environment.incoming.socket.remoteAddress ?? null;
  if (path[0] === "auth") {
    const signIn = await authOf(project);
    return signIn(new Request(url, { method, headers, body }), { peerAddress });
  }
  const context = {};
  return asked.run(context, async () =>
    withSqlState(
      await project.app.fetch(new Request(url, { method, headers, body }), { peerAddress }),
      context.error,
    ),
  );
}

const server = serve({ port: 0, hostname: "127.0.0.1", fetch: answer }, ({ port }) =>
  console.log(JSON.stringify({ port })),
);
server.keepAliveTimeout = KEEP_ALIVE_MS;
input.on("close", () => process.exit(0));
// A connection that Postgres ended fails the request that was on it, not the server.
process.on("uncaughtException", (error) => console.error(error));
process.on("unhandledRejection", (error) => console.error(error));
