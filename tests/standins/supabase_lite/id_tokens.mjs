// Signing in to Supabase Auth with the id token of an OpenID provider: POST /token?grant_type=id_token.
// @supabase/lite has no such grant; checks, their order and their words are GoTrue's.

import { createHash } from "node:crypto";
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify } from "jose";

export class Refusal extends Error {
  constructor(status, told) {
    super(told.msg ?? told.error_description);
    this.status = status;
    this.told = told;
  }

  static coded(status, code, message) {
    return new Refusal(status, { code, error_code: code, msg: message });
  }

  static plain(description, error = "invalid request") {
    return new Refusal(400, { error, error_description: description });
  }
}

export async function signInWithIdToken(service, settings, parameters) {
  const { provider: name, id_token: idToken, access_token: accessToken, nonce } = parameters;
  if (!idToken) throw Refusal.plain("id_token required");
  if (!name) throw Refusal.plain("provider or client_id and issuer required");
  const provider = settings.providers[name];
  if (!provider) {
    const message = `Custom OIDC provider "${name}" not allowed`;
    throw Refusal.coded(400, "validation_failed", message);
  }
  const claims = await verified(idToken, provider.issuer);
  checkAccessToken(claims, idToken, accessToken);
  if (!claims.sub) throw Refusal.plain("Missing sub claim in id_token");
  const audiences = [claims.aud ?? []].flat();
  if (!audiences.some((audience) => provider.clientIds.includes(audience))) {
    throw Refusal.plain(`Unacceptable audience in id_token: [${audiences.join(" ")}]`);
  }
  if (!provider.skipNonceCheck) checkNonce(claims, nonce);
  return service.repo.transaction(async (repo) => {
    const before = service.repo;
    service.repo = repo;
    try {
      return await sessionFor(service, settings, name, claims);
    } finally {
      service.repo = before;
    }
  });
}

async function verified(idToken, issuer) {
  try {
    const found = await fetch(`${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`);
    const configuration = await found.json();
    if (configuration.issuer !== issuer) throw new Error("another issuer than expected");
    const keys = createRemoteJWKSet(new URL(configuration.jwks_uri));
    return (await jwtVerify(idToken, keys, { issuer, requiredClaims: ["exp"] })).payload;
  } catch (error) {
    console.error("id token refused:", error.message);
    throw Refusal.plain("Bad ID token");
  }
}

// GoTrue lets a token with at_hash pass without the access token for now, and announces that it will not.
function checkAccessToken(claims, idToken, accessToken) {
  if (!claims.at_hash) return;
  const bits = decodeProtectedHeader(idToken).alg.slice(-3);
  const whole = createHash(`sha${bits}`).update(accessToken ?? "").digest();
  const half = whole.subarray(0, whole.length / 2).toString("base64url");
  if (half !== claims.at_hash) throw Refusal.plain("Bad ID token");
}

function checkNonce(claims, nonce) {
  if (Boolean(claims.nonce) !== Boolean(nonce)) {
    throw Refusal.plain("Passed nonce and nonce in id_token should either both exist or not.");
  }
  if (nonce && createHash("sha256").update(nonce).digest("hex") !== claims.nonce) {
    throw Refusal.plain("Nonces mismatch", "invalid nonce");
  }
}

// The person: known by provider and subject, else by a verified address, else new.
async function sessionFor(service, settings, provider, claims) {
  const email = { email: claims.email ?? "", verified: claims.email_verified === true, primary: true };
  if (!email.email) throw Refusal.plain("Error getting user email from external provider", "server_error");
  const facts = { ...claims, email_verified: email.verified };
  const { decision, user: found, identity, candidateEmail } = await service.determineAccountLinking(
    [email], provider, claims.sub,
  );
  if (decision === "MultipleAccounts") throw Refusal.plain("Internal Server Error", "server_error");
  let user = found;
  if (decision === "CreateAccount") {
    if (!settings.signUps) {
      throw Refusal.coded(422, "signup_disabled", "Signups not allowed for this instance");
    }
    user = await service.repo.createUser({
      id: crypto.randomUUID(),
      email: candidateEmail.email || null,
      raw_app_meta_data: { provider, providers: [provider] },
      raw_user_meta_data: facts,
    });
  }
  const identityId = identity?.id ?? (await addIdentity(service, provider, user.id, facts));
  user = await service.repo.findUserById(user.id);
  if (!user.email_confirmed_at) await confirm(service, settings, provider, user, identityId, email, facts);
  const known = service.repo.parseUserJson(await service.repo.findUserById(user.id));
  const identities = await service.repo.findIdentitiesByUserId(user.id);
  return service.createSessionForUser(known, identities, "session", { provider });
}

async function addIdentity(service, provider, userId, facts) {
  const identity = { id: crypto.randomUUID(), provider, provider_id: facts.sub, user_id: userId };
  await service.repo.createIdentity({ ...identity, identity_data: facts });
  await service.updateUserMetaDataAndProviders(userId, facts);
  return identity.id;
}

// Whoever signed up with this address before, and never proved it, keeps nothing of it.
async function confirm(service, settings, provider, user, identityId, email, facts) {
  await service.removeUnconfirmedIdentities(user.id, identityId, facts);
  if (!email.verified && settings.confirmsAddresses) {
    const message = `Unverified email with ${provider}. Verify the email with ${provider} in order to sign in`;
    throw Refusal.coded(422, "provider_email_needs_verification", message);
  }
  await service.repo.updateUser(user.id, { confirmed_at: new Date().toISOString() });
}
