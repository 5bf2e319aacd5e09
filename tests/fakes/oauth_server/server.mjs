// A standard OAuth 2.0 and OpenID Connect server on loopback: panva's oidc-provider, not ours. What is ours here is its
// configuration, a consent page that plain HTTP can drive, and /control, where tests read figures and play the operator.
//
// OAUTH_SERVER_PACKAGES      folder with node_modules (it is outside of the source tree)
// OAUTH_SERVER_PORT          0 takes a free one; the first line on stdout is {"issuer": ...}
// OAUTH_SERVER_CLIENTS       JSON list of client metadata; more can be registered by RFC 7591
// OAUTH_SERVER_ACCESS_S, OAUTH_SERVER_REFRESH_S   lifetimes of tokens; /control/settings changes them
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const packages = createRequire(`${process.env.OAUTH_SERVER_PACKAGES}/`);
const { default: Provider } = await import(pathToFileURL(packages.resolve('oidc-provider')));

const lifetimes = {
  accessS: Number(process.env.OAUTH_SERVER_ACCESS_S ?? 3600),
  refreshS: Number(process.env.OAUTH_SERVER_REFRESH_S ?? 86400),
};
const started = { ...lifetimes, tokenStatus: 0 };
const settings = { ...started };
const NO_FIGURES = {
  authorizations: 0, // authorization requests that ended with a code
  tokenCalls: 0, // requests at the token endpoint, whatever came of them
  codesExchanged: 0,
  refreshed: 0,
  refused: 0, // token requests that the server answered with an error of RFC 6749
  reused: 0, // refresh tokens shown again after their use: the whole family was revoked
  revoked: 0, // requests at the revocation endpoint (RFC 7009)
  userinfo: 0,
};
let figures = { ...NO_FIGURES };
let grants = new Set();
let issued = [];

const server = createServer();
server.listen(Number(process.env.OAUTH_SERVER_PORT ?? 0), '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = makeProvider(issuer);
  const answer = provider.callback();
  server.on('request', (request, response) => {
    handle(provider, answer, request, response).catch((fault) => {
      console.error(fault);
      if (!response.headersSent) response.writeHead(500);
      response.end();
    });
  });
  console.log(JSON.stringify({ issuer }));
});
process.stdin.resume().on('end', () => process.exit(0)); // nobody is left to ask
process.on('SIGTERM', () => process.exit(0));

function makeProvider(issuer) {
  const provider = new Provider(issuer, {
    clients: JSON.parse(process.env.OAUTH_SERVER_CLIENTS ?? '[]'),
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'none'],
    pkce: { required: () => true },
    rotateRefreshToken: true,
    scopes: ['openid', 'offline_access', 'profile'],
    claims: { openid: ['sub'], profile: ['name'] },
    cookies: { keys: ['only for tests, on loopback'] },
    ttl: {
      AccessToken: () => settings.accessS,
      RefreshToken: () => settings.refreshS,
      AuthorizationCode: 60,
      IdToken: 3600,
      Grant: 86400,
      Session: 86400,
      Interaction: 600,
    },
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: true },
      registrationManagement: { enabled: true },
      revocation: { enabled: true },
      introspection: { enabled: true },
      userinfo: { enabled: true },
    },
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id, name: 'Ada Example' }) }),
  });
  provider.on('authorization.success', () => { figures.authorizations += 1; });
  provider.on('grant.success', (ctx) => {
    if (ctx.oidc.entities.Grant) grants.add(ctx.oidc.entities.Grant.jti);
    issued.push(ctx.body.access_token, ctx.body.refresh_token, ctx.body.id_token);
    figures[ctx.oidc.params.grant_type === 'refresh_token' ? 'refreshed' : 'codesExchanged'] += 1;
  });
  provider.on('registration_create.success', (ctx) => { issued.push(ctx.body.client_secret); });
  provider.on('grant.error', (_, error) => {
    figures.refused += 1;
    if (error.error_detail === 'refresh token already used') figures.reused += 1;
  });
  return provider;
}

async function handle(provider, answer, request, response) {
  const { pathname } = new URL(request.url, 'http://127.0.0.1');
  if (pathname.startsWith('/control/')) return control(provider, pathname.slice(9), request, response);
  if (pathname.startsWith('/interaction/')) return interact(provider, request, response);
  if (pathname === '/me') figures.userinfo += 1;
  if (pathname === '/token/revocation') figures.revoked += 1;
  if (pathname === '/token') {
    figures.tokenCalls += 1;
    if (settings.tokenStatus) return response.writeHead(settings.tokenStatus, { 'retry-after': '1' }).end();
  }
  return answer(request, response);
}

// One page for sign-in and consent in one: a form with two buttons, as a person meets it.
async function interact(provider, request, response) {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  if (request.method === 'GET') {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
    return response.end(
      '<!doctype html><title>Sign in</title><h1>Sign in and allow access</h1><form method="post">'
      + '<button name="choice" value="allow">Allow</button><button name="choice" value="deny">Deny</button></form>',
    );
  }
  const choice = new URLSearchParams(await bodyOf(request)).get('choice');
  if (choice !== 'allow') {
    const refusal = { error: 'access_denied', error_description: 'The person chose not to allow access' };
    return provider.interactionFinished(request, response, refusal, { mergeWithLastSubmission: false });
  }
  const accountId = session?.accountId ?? 'ada';
  const grant = (grantId && await provider.Grant.find(grantId))
    || new provider.Grant({ accountId, clientId: params.client_id });
  grant.addOIDCScope(params.scope);
  const consent = { grantId: await grant.save() };
  const result = prompt.name === 'login' ? { login: { accountId }, consent } : { consent };
  return provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
}

async function control(provider, what, request, response) {
  const given = request.method === 'GET' ? '' : await bodyOf(request);
  if (what === 'settings') Object.assign(settings, JSON.parse(given));
  if (what === 'reset') {
    Object.assign(settings, started);
    figures = { ...NO_FIGURES };
    issued = [];
  }
  if (what === 'forget-grants') { // as if the person had taken the application's access away at the provider
    for (const id of grants) {
      const grant = await provider.Grant.find(id);
      if (grant) await grant.destroy();
    }
    grants = new Set();
  }
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(what === 'issued' ? issued.filter(Boolean) : figures));
}

async function bodyOf(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}
