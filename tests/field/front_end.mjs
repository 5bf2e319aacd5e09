// A front end for any integration, from data alone: `node front_end.mjs <hub> <token> <integration or connection>`.
// Each screen is a line of JSON on standard output; what the person does with it comes back as a line.
import { createInterface } from "node:readline";
const [hub, token, about] = process.argv.slice(2);
const acts = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const show = async (screen) => (console.log(JSON.stringify(screen)), JSON.parse((await acts.next()).value));
const choose = async (title, options) => (await show({ screen: "choice", title, options })).chosen;
const send = (query, variables, accept = "application/json") => fetch(`${hub}/graphql`, {
  method: "POST", body: JSON.stringify({ query, variables }),
  headers: { "content-type": "application/json", authorization: `Bearer ${token}`, accept } });
const FOLLOW = "subscription ($id: ID!) { authState(by: {authorizationId: $id}) { seq } }"; // ends with the last state
const ended = async (id) => void (await (await send(FOLLOW, { id }, "text/event-stream")).text());
async function ask(query, variables) {
  const { data, errors } = await (await send(query, variables)).json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}
const QUERY = `query ($id: ID!) { connection(by: {id: $id}) { id config status { state }
  version { configSchema authMethods { key title } } nextSteps { key state mutation problems { message path } }
  openAuthorization { id step { ... on RedirectStep { launchUrl } ... on CredentialFormStep { schema prefilled }
    ... on AccountChoiceStep { options { id label } }
    ... on DeviceCodeStep { userCode verificationUrl verificationUrlComplete } } } } }`;
const verb = async (name, input, picked = "__typename") =>
  (await ask(`mutation ($input: ${name[0].toUpperCase()}${name.slice(1)}Input!) { ${name}(input: $input) {
    ${picked} userErrors { code message path } } }`, { input }))[name];
const holds = (rule, value) => (rule.required ?? []).every((name) => name in value) &&
  Object.entries(rule.properties ?? {}).every(([name, { const: only, enum: some }]) => !(name in value) ||
    ((only === undefined || value[name] === only) && (!some || some.includes(value[name]))));
function fieldsOf(schema = {}, value) {
  const branches = [...(schema.allOf ?? []), schema.if && (holds(schema.if, value) ? schema.then : schema.else),
    ...Object.entries(schema.dependentSchemas ?? {}).map(([name, then]) => name in value && then)];
  return Object.assign({}, schema.properties, ...branches.filter(Boolean).map((branch) => fieldsOf(branch, value)));
}
async function form(title, schema, value, problems, choices = () => null) {
  for (;;) {
    const fields = fieldsOf(schema, value), shown = [];
    for (const [name, field] of Object.entries(fields)) {
      const problem = problems.find(({ path }) => path[1] === name)?.message;
      shown.push({ name, ...field, problem, choices: field.options && (await choices(name)) });
    }
    value = Object.fromEntries(Object.entries(value).filter(([name]) => name in fields));
    const { typed } = await show({ screen: "form", title, fields: shown, value });
    value = Object.fromEntries(Object.entries({ ...value, ...typed }).filter(([, each]) => each !== null));
    if (Object.keys(fieldsOf(schema, value)).join() === Object.keys(fields).join()) return value;
  }
}
const OPTIONS = `query ($id: ID!, $path: [String!]!) {
  connectionOptions(connectionId: $id, path: $path, first: 100) { nodes { value label } } }`;
const steps = {
  async updateConnectionConfig({ id, version, config }, step, problems) {
    const choices = async (name) => (await ask(OPTIONS, { id, path: ["config", name] })).connectionOptions.nodes;
    const value = await form(step.key ?? "SETTINGS", version.configSchema, config, step.problems ?? problems, choices);
    return verb("updateConnectionConfig", { connectionId: id, config: value });
  },
  async beginAuthorization({ id, version, openAuthorization }, _, problems) {
    if (!openAuthorization) {
      const authMethod = await choose("sign in with", version.authMethods);
      return verb("beginAuthorization", { connectionId: id, authMethod });
    }
    const { id: authorizationId, step } = openAuthorization, { launchUrl: url, options } = step;
    if (url) return show({ screen: "popup", url });
    if (step.userCode) return show({ screen: "device", ...step }).then(() => ended(authorizationId));
    if (options) return verb("chooseAccount", { authorizationId, accountId: await choose("account", options) });
    const credentials = await form("CREDENTIALS", step.schema, step.prefilled ?? {}, problems);
    return verb("submitCredentials", { authorizationId, credentials });
  },
  testConnection: ({ id }) => verb("testConnection", { connectionId: id, waitMs: 10000 }),
  activateConnection: ({ id }) => verb("activateConnection", { connectionId: id }),
};
const made = { name: about, integration: about, mode: "SANDBOX" };
const id = about.startsWith("conn_") ? about : (await verb("createConnection", made, "connection {id}")).connection.id;
console.log(JSON.stringify({ screen: "open", id }));
for (let problems = [], left = [{ mutation: "updateConnectionConfig" }]; ; ) {
  const { connection } = await ask(QUERY, { id });
  const step = connection.nextSteps.find(({ state }) => state === "READY") ?? left[0];
  if (!step) break;
  problems = (await steps[step.mutation](connection, step, problems))?.userErrors ?? [];
  if (step === left[0] && !problems.length) left = [];
}
console.log(JSON.stringify({ screen: "done", ...(await ask(QUERY, { id })) }));
