// Supabase Auth of a project: @supabase/lite's own, and around it what GoTrue does and it does not.

import { createRequire } from "node:module";
import { App, getAuthSchemaSql } from "@supabase/lite";
import { Refusal, signInWithIdToken } from "./id_tokens.mjs";

const { hash } = createRequire(import.meta.resolve("@supabase/lite"))("bcryptjs");
const CHEAP = 4; // rounds of bcrypt; GoTrue takes 10
const PATH = "/auth/v1";

// What a test may set, with what a Supabase project starts with; times in seconds.
export const DEFAULT_SETTINGS = {
  tokenSeconds: 3600,
  siteUrl: "http://127.0.0.1:8501",
  signUps: true,
  confirmsAddresses: true,
  providers: {}, // name → { issuer, clientIds, skipNonceCheck }
};

export async function openAuth({ connection, jwtSecret, resolveKey, settings, mails }) {
  await connection.exec(getAuthSchemaSql());
  const app = new App({
    connection,
    auth: {
      enabled: true,
      jwt_secret: jwtSecret,
      jwt_expiry: settings.tokenSeconds,
      site_url: settings.siteUrl,
      enable_signup: settings.signUps,
      enable_refresh_token_rotation: true,
      email: { enable_confirmations: settings.confirmsAddresses },
    },
    options: {
      server: {
        disableStudio: true,
        disableFallback: true,
        apiKeys: { resolver: resolveKey },
        middlewares: [asGoTrue({ settings, mails, resolveKey })],
      },
    },
  });
  return async (request, environment) => inIsoTimes(await app.fetch(request, environment));
}

function asGoTrue({ settings, mails, resolveKey }) {
  return async (context, next) => {
    const service = context.get("authService");
    service.mailer = mailbox(mails, settings, service, context.req.query("redirect_to"));
    refuseTheBanned(service);
    // Refused keys are the next one's affair.
    if (await resolveKey(context.req.header("apikey") ?? "")) {
      try {
        const answer = await ours(context, service, settings);
        if (answer) return answer;
      } catch (error) {
        if (error instanceof Refusal) return context.json(error.told, error.status);
        throw error;
      }
    }
    await next();
    // What is thrown inside @supabase/lite it takes for a fault of its own.
    if (context.error instanceof Refusal) {
      context.res = context.json(context.error.told, context.error.status);
    }
  };
}

async function ours(context, service, settings) {
  const { path, method } = context.req;
  if (method !== "POST") return null;
  if (path === `${PATH}/token` && context.req.query("grant_type") === "id_token") {
    const parameters = await context.req.json();
    return context.json(await signInWithIdToken(service, settings, parameters));
  }
  if (path === `${PATH}/otp`) await prepareForOtp(context, service, settings);
  if (path === `${PATH}/verify`) {
    const body = await context.req.json();
    // "email" stands for any link that was sent by e-mail.
    if (body.type === "email") {
      return context.json(await verified(service, { ...body, type: "magiclink" }));
    }
  }
  return null;
}

async function verified(service, parameters) {
  try {
    return await service.verifyOtp(parameters);
  } catch (error) {
    if (error.name === "AuthError") throw new Refusal(error.status, error.toJSON());
    throw error;
  }
}

// @supabase/lite takes an address for confirmed before its owner has opened the link.
async function prepareForOtp(context, service, settings) {
  const { email, create_user: mayCreate } = await context.req.json();
  const known = await service.repo.findUserByEmail(email ?? "");
  if (!known && mayCreate !== false && !settings.signUps) {
    throw Refusal.coded(422, "signup_disabled", "Signups not allowed for this instance");
  }
  const createUser = service.repo.createUser.bind(service.repo);
  service.repo.createUser = (user) => createUser({ ...user, confirmed_at: null });
}

function refuseTheBanned(service) {
  for (const name of ["createSessionForUser", "createRefreshResponse"]) {
    const create = service[name].bind(service);
    service[name] = (user, ...rest) => {
      if (Date.parse(user.banned_until) > Date.now()) {
        throw Refusal.coded(400, "user_banned", "User is banned");
      }
      return create(user, ...rest);
    };
  }
}

// The link is made as the set-up guide has the project's e-mail templates make it.
function mailbox(mails, settings, service, redirectTo) {
  const keep = async (to, tokenHash) => {
    const link = `${settings.siteUrl}/sign-in/confirm?token_hash=${tokenHash}&type=email`;
    mails.push({ to, link, redirectTo: service.resolveEmailRedirect(redirectTo) });
  };
  return { sendConfirmation: keep, sendMagicLink: keep, sendRecovery: keep };
}

// A person with a password, made by a test; without a password they come by link.
export async function addUser(connection, { id, email, password, confirmed }) {
  await connection.exec(getAuthSchemaSql());
  const user = {
    id: id ?? crypto.randomUUID(),
    email: email.toLowerCase(),
    encrypted_password: password ? await hash(password, CHEAP) : null,
    email_confirmed_at: confirmed ? new Date().toISOString() : null,
    raw_app_meta_data: JSON.stringify({ provider: "email", providers: ["email"] }),
  };
  const identity = {
    id: crypto.randomUUID(),
    provider: "email",
    provider_id: user.id,
    user_id: user.id,
    identity_data: JSON.stringify({ sub: user.id, email: user.email }),
  };
  const auth = connection.kysely.withSchema("auth");
  await auth.insertInto("users").values(user).execute();
  await auth.insertInto("identities").values(identity).execute();
  return user.id;
}

// GoTrue writes 2026-11-21T10:00:00.5Z; @supabase/lite passes on what Postgres writes, with +00 at the end,
// which supabase-py cannot read.
async function inIsoTimes(answer) {
  if (!answer.headers.get("Content-Type")?.includes("json")) return answer;
  const text = await answer.text();
  const times = /"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d(?:\.\d+)?)\+00(?::00)?"/g;
  const headers = new Headers(answer.headers);
  headers.delete("Content-Length");
  return new Response(text.replace(times, '"$1T$2Z"'), { status: answer.status, headers });
}
