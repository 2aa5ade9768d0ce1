// Supabase's REST API over the databases of a local Postgres, for tests: /<database>/rest/v1/… is the
// REST API of that database, /<database>~<n>/rest/v1/… the same with its "Max rows" set to n.
//
// Arguments: the folder of the server's unix socket. Environment: JWT_SECRET, PUBLISHABLE_KEY, SECRET_KEY.
// Prints {"port": …} when it is ready. Ends with its standard input, so that it never outlives the tests.

import { AsyncLocalStorage } from "node:async_hooks";
import { serve } from "@hono/node-server";
import { App } from "@supabase/lite";
import { createPostgresConnection } from "@supabase/lite/postgres";
import { jwtVerify } from "jose";

const [socketFolder] = process.argv.slice(2);
const { JWT_SECRET, PUBLISHABLE_KEY, SECRET_KEY } = process.env;
const MAX_ROWS = 1000; // what a Supabase project starts with
const KEEP_ALIVE_MS = 60_000; // like the proxies before a real project; node's own default is 5 s
const KEYS = {
  [PUBLISHABLE_KEY]: { type: "publishable", claims: { role: "anon" } },
  [SECRET_KEY]: { type: "secret", claims: { role: "service_role" } },
};
const apis = new Map();
const request_ = new AsyncLocalStorage();

// The older keys are tokens signed with the project's own secret; @supabase/lite knows the new ones only.
async function resolveKey(key) {
  if (key in KEYS) return KEYS[key];
  try {
    const { payload } = await jwtVerify(key, new TextEncoder().encode(JWT_SECRET));
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
    auth: {
      enabled: true, jwt_secret: JWT_SECRET, publishable_key: PUBLISHABLE_KEY, secret_key: SECRET_KEY,
    },
    options: {
      server: { disableStudio: true, disableFallback: true, apiKeys: { resolver: resolveKey } },
    },
  });
  return { app, connection };
}

function rememberErrors(connection) {
  const withContext = connection.withContext.bind(connection);
  connection.withContext = async (...parameters) => {
    try {
      return await withContext(...parameters);
    } catch (error) {
      request_.getStore().error = error;
      throw error;
    }
  };
}

// @supabase/lite answers "SUP" for SQLSTATEs it does not know (check violations, deadlocks, our own MP00x);
// PostgREST passes every SQLSTATE on.
async function withSqlState(answer, error) {
  if (answer.status !== 500 || typeof error?.code !== "string") return answer;
  const body = await answer.clone().json();
  if (body.code !== "SUP") return answer;
  const { code, message, detail, hint } = error;
  const told = { code, message, details: detail ?? null, hint: hint ?? null };
  const status = /^(40|53|54|55|57|58|XX)/.test(code) ? 500 : 400;
  return Response.json(told, { status });
}

async function close(name) {
  await apis.get(name)?.connection.close();
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
  url.pathname = `/${path.join("/")}`;
  const { method, headers } = request;
  const body = ["GET", "HEAD"].includes(method) ? undefined : await request.arrayBuffer();
  const peerAddress = environment.incoming.socket.remoteAddress ?? null;
  const context = {};
  return request_.run(context, async () =>
    withSqlState(
      await apis.get(name).app.fetch(new Request(url, { method, headers, body }), { peerAddress }),
      context.error,
    ),
  );
}

const server = serve({ port: 0, hostname: "127.0.0.1", fetch: answer }, ({ port }) =>
  console.log(JSON.stringify({ port })),
);
server.keepAliveTimeout = KEEP_ALIVE_MS;
process.stdin.resume().on("end", () => process.exit(0));
