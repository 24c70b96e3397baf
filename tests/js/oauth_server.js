// An OAuth 2 server for tests: the certified oidc-provider, with its answers counted and its manners controlled.
//
//   node oauth_server.js '{"port", "cert", "key", "secret", "service_account_public", "life"}'
//
// Flows: authorization code (PKCE demanded), device code, client credentials, service-account JWT (RFC 7523; a grant type of our own, its
// assertions checked by jose). Refresh tokens rotate and a used one revokes its grant. Tokens are opaque and live `life` seconds.
// Clients: "desktop" (public, loopback redirects, device codes), "desktop-secret" (the same with the secret, in the body),
// "desktop-basic" (by HTTP Basic), "app.NAME" for any NAME (client credentials, for the mailbox NAME@rig.test), "dovecot" (introspection
// only). The service account "robot@rig.test" may act for any mailbox. Prints {"port"} once it listens.
//
// Whoever is on this machine controls it: GET /control tells what was counted; POST /control takes JSON:
//   {"life": SECONDS}    of access tokens from now on            {"grace": SECONDS}   a used refresh token is taken again for so long
//   {"refuse": {"count", "status", "retry_after", "body"}}       the next token requests are answered so
//   {"pause_ms": N}      between making and sending an answer    {"hold": true}       made answers wait until {"hold": false}
//   {"revoke": NAME}     all grants of an account; of a client or service account: until {"restore": NAME}
//   {"issued": true}     is answered with every token there ever was, and with each code, verifier and assertion that was shown at the token endpoint:
//                        for those who look where they do not belong
'use strict';
const fs = require('fs');
const https = require('https');
const { pathToFileURL } = require('url');
const jose = require('jose');

const options = JSON.parse(process.argv[2]);
const issuer = `https://127.0.0.1:${options.port}`;
const ROBOT = 'robot@rig.test';
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';
const DEVICE = 'urn:ietf:params:oauth:grant-type:device_code';
const mine = { life: options.life || 3600, grace: 0, refuse: null, pause_ms: 0, hold: false };
const held = new Set();
const issued = new Set();
const revoked = new Set();
const count = { token_requests: 0, refused: 0, held: 0, introspections: 0, device_requests: 0, by_grant: {} };
const now = () => Math.floor(Date.now() / 1000);

// Each kind of the library's records by id. What has expired the library itself refuses.
const kinds = new Map();
const rows = kind => kinds.get(kind) || kinds.set(kind, new Map()).get(kind);

class Store {
  constructor(kind) {
    this.kind = kind;
    this.rows = rows(kind);
  }
  async upsert(id, payload) { this.rows.set(id, payload); }
  async destroy(id) { this.rows.delete(id); }
  async consume(id) { this.rows.get(id).consumed = now(); }
  async findByUid(uid) { return [...this.rows.values()].find(r => r.uid === uid); }
  async findByUserCode(code) { return [...this.rows.values()].find(r => r.userCode === code); }
  async revokeByGrantId(grant) {
    for (const [id, row] of this.rows) if (row.grantId === grant) this.rows.delete(id);
  }
  async find(id) {
    if (this.kind === 'Client') return appClient(id);
    const row = this.rows.get(id);
    // As servers do that expect answers to get lost: a rotated token stays good for a moment.
    if (row && row.consumed && this.kind === 'RefreshToken' && now() - row.consumed < mine.grace) return { ...row, consumed: undefined };
    return row;
  }
}

const appClient = id => !/^app\.[a-z0-9_-]+$/.test(id) || revoked.has(id) ? undefined : {
  client_id: id, client_secret: options.secret, token_endpoint_auth_method: 'client_secret_post', grant_types: ['client_credentials'],
  redirect_uris: [], response_types: [],
};

const loopback = ['', '/', '/callback'].flatMap(path => ['127.0.0.1', 'localhost', '[::1]'].map(host => `http://${host}${path}`));
const person = (id, method) => ({
  client_id: id, ...(method === 'none' ? {} : { client_secret: options.secret }), token_endpoint_auth_method: method, application_type: 'native',
  grant_types: ['authorization_code', 'refresh_token', DEVICE], response_types: ['code'], redirect_uris: loopback,
});
const machine = (id, method, grants) => ({
  client_id: id, ...(method === 'none' ? {} : { client_secret: options.secret }), token_endpoint_auth_method: method, grant_types: grants,
  redirect_uris: [], response_types: [],
});

function revoke(name) {
  revoked.add(name);
  const grants = new Set([...rows('Grant')].filter(([, row]) => row.accountId === name).map(([id]) => id));
  for (const kind of ['Grant', 'AccessToken', 'RefreshToken', 'AuthorizationCode', 'DeviceCode', 'ClientCredentials'])
    for (const [id, row] of rows(kind))
      if (grants.has(row.grantId) || grants.has(id) || row.clientId === name || (name === ROBOT && row.clientId === 'robot')) rows(kind).delete(id);
  return grants.size;
}

const html = (title, body) => '<!DOCTYPE html><html><head><meta charset="utf-8">' +
  `<title>${title}</title></head><body><h1>${title}</h1>${body}</body></html>`;
const escape = s => String(s).replace(/[<>&"]/g, c => `&#${c.charCodeAt(0)};`);

function body(req) {
  return new Promise((resolve, reject) => {
    const chunks = [];
    req.on('data', c => chunks.push(c)).on('end', () => resolve(Buffer.concat(chunks).toString())).on('error', reject);
  });
}

// Login and consent on one page: whoever names an account is it.
async function interaction(provider, req, res) {
  const { params } = await provider.interactionDetails(req, res);
  if (req.method !== 'POST') {
    res.setHeader('Content-Type', 'text/html; charset=utf-8');
    return res.end(html('Sign in', `<form method="post"><input name="account" value="${escape(params.login_hint || '')}">` +
      '<button type="submit" name="answer" value="yes">Allow</button><button type="submit" name="answer" value="no">Deny</button></form>'));
  }
  const form = new URLSearchParams(await body(req));
  const accountId = form.get('account');
  if (form.get('answer') === 'no' || !accountId)
    return provider.interactionFinished(req, res, { error: 'access_denied', error_description: 'the person said no' });
  const grant = new provider.Grant({ accountId, clientId: params.client_id });
  if (params.scope) grant.addOIDCScope(params.scope);
  revoked.delete(accountId);
  return provider.interactionFinished(req, res, { login: { accountId }, consent: { grantId: await grant.save() } });
}

function jwtBearer(provider, errors, key) {
  return async ctx => {
    const { assertion, scope } = ctx.oidc.params;
    let claims;
    try {
      const { payload, protectedHeader } = await jose.jwtVerify(assertion || '', key, {
        algorithms: ['RS256'], issuer: ROBOT, audience: [`${issuer}/token`, issuer], requiredClaims: ['iat', 'exp'],
      });
      if (payload.exp - payload.iat > 3600) throw new Error('lives for more than an hour');
      if (protectedHeader.kid && protectedHeader.kid !== 'rig-key-1') throw new Error('unknown kid');
      if (revoked.has(ROBOT)) throw new Error('the account is revoked');
      claims = payload;
    } catch (e) {
      throw new errors.InvalidGrant(`assertion: ${e.message}`);
    }
    const token = new provider.ClientCredentials({ client: ctx.oidc.client, scope: scope || claims.scope });
    token.mailbox = claims.sub || ROBOT;
    ctx.body = { access_token: await token.save(), expires_in: token.expiration, token_type: token.tokenType, scope: token.scope };
  };
}

function control(req, res, text) {
  const wish = text ? JSON.parse(text) : {};
  for (const name of ['life', 'grace', 'pause_ms', 'hold', 'refuse']) if (name in wish) mine[name] = wish[name];
  const reply = { ...count, held: held.size };
  if (wish.revoke) reply.revoked = revoke(wish.revoke);
  if (wish.restore) revoked.delete(wish.restore);
  if (wish.issued) reply.issued = [...issued];
  if (!mine.hold) {
    for (const send of held) send();
    held.clear();
  }
  res.setHeader('Content-Type', 'application/json');
  res.end(JSON.stringify(reply));
}

// Counts a token request and stands between the library and the client; the callback goes on with the library.
async function token(req, res, goOn) {
  const form = new URLSearchParams(await body(req));
  count.token_requests++;
  for (const name of ['code', 'code_verifier', 'device_code', 'assertion']) if ((form.get(name) || '').length > 8) issued.add(form.get(name));
  const grant = (form.get('grant_type') || 'none').split(':').pop();
  const tally = (count.by_grant[grant] ||= {});
  const end = res.end.bind(res);
  res.end = (...parts) => {
    tally[res.statusCode] = (tally[res.statusCode] || 0) + 1;
    for (const [, value] of String(parts[0] || '').matchAll(/"(?:access|refresh)_token":"([^"]+)"/g)) issued.add(value);
    if (mine.hold) held.add(() => end(...parts));
    else setTimeout(() => end(...parts), mine.pause_ms);
    return res;
  };
  if (mine.refuse && mine.refuse.count-- > 0) {
    count.refused++;
    const { status, retry_after, body: words } = mine.refuse;
    res.writeHead(status, { 'Content-Type': 'application/json', ...(retry_after === undefined ? {} : { 'Retry-After': String(retry_after) }) });
    return res.end(words === undefined ? '{"error":"temporarily_unavailable","error_description":"as the test wants it"}' : words);
  }
  // A service account is known by its assertion alone.
  if (form.get('grant_type') === JWT_BEARER && !form.has('client_id') && !req.headers.authorization) form.set('client_id', 'robot');
  req.body = Object.fromEntries(form);
  return goOn();
}

async function main() {
  const { Provider, errors } = await import(pathToFileURL(require.resolve('oidc-provider')));
  const key = await jose.importSPKI(fs.readFileSync(options.service_account_public, 'utf8'), 'RS256');
  const life = () => mine.life;
  const page = title => async ctx => { ctx.body = html(title, ''); };
  const provider = new Provider(issuer, {
    adapter: Store,
    clients: [person('desktop', 'none'), person('desktop-secret', 'client_secret_post'), person('desktop-basic', 'client_secret_basic'),
      machine('robot', 'none', [JWT_BEARER]), machine('dovecot', 'client_secret_basic', [])],
    cookies: { keys: [options.secret] },
    scopes: ['openid', 'offline_access', 'mail', 'https://mail.google.com/', 'https://outlook.office.com/.default',
      'https://outlook.office.com/IMAP.AccessAsUser.All', 'https://outlook.office.com/SMTP.Send'],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      revocation: { enabled: true },
      deviceFlow: {
        enabled: true,
        userCodeInputSource: async (ctx, form, out, err) => { ctx.body = html(err ? 'Wrong code' : 'Enter the code', form); },
        userCodeConfirmSource: async (ctx, form, client, info, code) => {
          ctx.body = html('Confirm', `${form}<code>${code}</code><button type="submit" form="op.deviceConfirmForm">Continue</button>`);
        },
        successSource: page('Done'),
      },
    },
    pkce: { required: () => true },
    interactions: { url: (ctx, i) => `/interaction/${i.uid}` },
    findAccount: async (ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
    // Whose mailbox it is; Dovecot looks there.
    extraTokenClaims: async (ctx, t) => ({ email: t.accountId || t.mailbox || `${t.clientId.replace('app.', '')}@rig.test` }),
    issueRefreshToken: async (ctx, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: () => true,
    expiresWithSession: async () => false,
    ttl: { AccessToken: life, ClientCredentials: life, RefreshToken: 86400, Grant: 86400, Session: 3600, Interaction: 600, DeviceCode: 600,
      AuthorizationCode: 60, IdToken: 600 },
  });
  provider.registerGrantType(JWT_BEARER, jwtBearer(provider, errors, key), ['assertion', 'scope']);
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.oidc && ctx.oidc.route === 'device_authorization') {
      count.device_requests++;
      if (ctx.body && ctx.body.device_code) ctx.body.interval = 1;
    }
  });
  provider.on('server_error', (ctx, e) => console.error(e.stack));
  const library = provider.callback();
  const handle = async (req, res) => {
    const path = new URL(req.url, issuer).pathname;
    if (path === '/control') return control(req, res, await body(req));
    if (path === '/token') return token(req, res, () => library(req, res));
    if (path.startsWith('/interaction/')) return interaction(provider, req, res);
    if (path === '/token/introspection') count.introspections++;
    return library(req, res);
  };
  const server = https.createServer({ cert: fs.readFileSync(options.cert), key: fs.readFileSync(options.key) }, (req, res) => {
    handle(req, res).catch(e => {
      console.error(e.stack);
      if (!res.headersSent) res.writeHead(400);
      res.end(String(e.message));
    });
  });
  server.listen(options.port, '127.0.0.1', () => console.log(JSON.stringify({ port: server.address().port })));
}

main();
