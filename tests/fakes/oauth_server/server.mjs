// A standard OAuth 2.0 and OpenID Connect server on loopback: panva's oidc-provider, not ours. What is ours here is its
// configuration, a consent page that plain HTTP can drive, and /control, where tests read figures and play the operator.
//
// OAUTH_SERVER_PACKAGES      folder with node_modules (it is outside of the source tree)
// OAUTH_SERVER_PORT          0 takes a free one; the first line on stdout is {"issuer": ...}
// OAUTH_SERVER_CLIENTS       JSON list of client metadata; more can be registered by RFC 7591
// OAUTH_SERVER_ACCESS_S, OAUTH_SERVER_REFRESH_S   lifetimes of tokens; /control/settings changes them
// OAUTH_SERVER_STATE         file that keeps clients, grants, tokens and figures over restarts
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Store } from './store.mjs';

const packages = createRequire(`${process.env.OAUTH_SERVER_PACKAGES}/`);
const { default: Provider } = await import(pathToFileURL(packages.resolve('oidc-provider')));

const lifetimes = {
  accessS: Number(process.env.OAUTH_SERVER_ACCESS_S ?? 3600),
  refreshS: Number(process.env.OAUTH_SERVER_REFRESH_S ?? 86400),
};
// tokenStatus, apiStatus: the answer to every request at the token endpoint, at userinfo; the provider sees none.
// held: requests at the token endpoint wait unseen by the provider; those whose client goes away meanwhile are dropped.
// answersHeld: the provider does what a token request asks for, but its answer waits.
const started = { ...lifetimes, tokenStatus: 0, apiStatus: 0, held: 0, answersHeld: 0 };
const settings = { ...started };
const NO_FIGURES = {
  authorizations: 0, // authorization requests that ended with a code
  tokenCalls: 0, // requests at the token endpoint, whatever came of them
  codesExchanged: 0,
  refreshed: 0,
  refused: 0, // token requests that the server answered with an error of RFC 6749
  turnedAway: 0, // requests at the token endpoint that were answered with tokenStatus
  reused: 0, // refresh tokens shown again after their use: the whole family was revoked
  revoked: 0, // requests at the revocation endpoint (RFC 7009)
  grantsRevoked: 0, // grants that the server itself took back
  userinfo: 0,
  userinfoTurnedAway: 0, // answered with apiStatus
  userinfoRefused: 0, // answered with 401 although the token was once given here: a control call's was not
};
const store = new Store(process.env.OAUTH_SERVER_STATE, NO_FIGURES);
const waiting = new Set(); // requests at the token endpoint that are held
let answers = []; // what sends the answers that are held
let inHand = 0; // requests at the token endpoint that the provider works on, or whose answer is held
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
process.on('SIGTERM', () => { // answers what it has begun with
  for (const { response } of waiting) response.destroy();
  for (const send of answers) send();
  server.close(() => process.exit(0));
  setTimeout(() => process.exit(0), 3000).unref();
});

function makeProvider(issuer) {
  const provider = new Provider(issuer, {
    adapter: store.adapter(),
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
  provider.on('authorization.success', () => { store.count('authorizations'); });
  provider.on('grant.success', (ctx) => {
    if (ctx.oidc.entities.Grant) grants.add(ctx.oidc.entities.Grant.jti);
    issued.push(ctx.body.access_token, ctx.body.refresh_token, ctx.body.id_token);
    store.count(ctx.oidc.params.grant_type === 'refresh_token' ? 'refreshed' : 'codesExchanged');
  });
  provider.on('registration_create.success', (ctx) => { issued.push(ctx.body.client_secret); });
  provider.on('grant.error', (_, error) => {
    store.count('refused');
    if (error.error_detail === 'refresh token already used') store.count('reused');
  });
  provider.on('grant.revoked', () => { store.count('grantsRevoked'); });
  return provider;
}

async function handle(provider, answer, request, response) {
  const { pathname } = new URL(request.url, 'http://127.0.0.1');
  if (pathname.startsWith('/control/')) return control(provider, pathname.slice(9), request, response);
  if (pathname.startsWith('/interaction/')) return interact(provider, request, response);
  if (pathname === '/me') return use(answer, request, response);
  if (pathname === '/token/revocation') store.count('revoked');
  if (pathname === '/token') return giveTokens(answer, request, response);
  return answer(request, response);
}

function turnAway(status, response) {
  response.writeHead(status, { 'retry-after': '1' }).end();
}

function use(answer, request, response) {
  store.count('userinfo');
  if (settings.apiStatus) {
    store.count('userinfoTurnedAway');
    return turnAway(settings.apiStatus, response);
  }
  const isOurs = store.noteUse(request.headers.authorization?.split(' ')[1]);
  response.on('finish', () => { if (isOurs && response.statusCode === 401) store.count('userinfoRefused'); });
  return answer(request, response);
}

async function giveTokens(answer, request, response) {
  store.count('tokenCalls');
  if (settings.held) await released(response);
  if (response.destroyed) return;
  if (settings.tokenStatus) {
    store.count('turnedAway');
    turnAway(settings.tokenStatus, response);
    return;
  }
  inHand += 1;
  response.on('close', () => { inHand -= 1; });
  if (settings.answersHeld) holdAnswer(response);
  await answer(request, response);
}

function holdAnswer(response) {
  const end = response.end.bind(response);
  response.end = (...given) => {
    answers.push(() => end(...given));
    return response;
  };
}

async function released(response) {
  const place = { response };
  const gone = new Promise((resolve) => { response.on('close', resolve); });
  const free = new Promise((resolve) => { place.free = resolve; });
  waiting.add(place);
  await Promise.race([gone, free]);
  waiting.delete(place);
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
    store.reset(NO_FIGURES);
    issued = [];
  }
  if (!settings.held) for (const { free } of waiting) free();
  if (!settings.answersHeld) {
    for (const send of answers) send();
    answers = [];
  }
  if (what === 'forget-grants') { // as if the person had taken the application's access away at the provider
    for (const id of grants) {
      const grant = await provider.Grant.find(id);
      if (grant) await grant.destroy();
    }
    grants = new Set();
  }
  response.writeHead(200, { 'content-type': 'application/json' });
  const told = { issued: issued.filter(Boolean), uses: store.uses, token: { waiting: waiting.size, inHand } };
  response.end(JSON.stringify(told[what] ?? store.figures));
}

async function bodyOf(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}
