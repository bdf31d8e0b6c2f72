// An identity provider on this machine: `node provider.mjs PORT REDIRECT_URI AUDIENCE`.
// Whoever types a name there is that person; the client `batch` gets tokens for the API.
import Provider from "oidc-provider";

const [port, redirect, audience] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const scope = "meterhouse.usage meterhouse.records meterhouse.directory";
const provider = new Provider(issuer, {
  clients: [
    {
      client_id: "meterhouse",
      client_secret: "the secret of a test",
      redirect_uris: [redirect],
      grant_types: ["authorization_code"],
      response_types: ["code"],
    },
    {
      client_id: "batch",
      client_secret: "another-secret-of-a-test",
      redirect_uris: [],
      response_types: [],
      grant_types: ["client_credentials"],
    },
  ],
  findAccount: (context, id) => ({
    accountId: id,
    claims: () => ({
      sub: id,
      preferred_username: id,
      name: id,
      email: `${id}@example.org`,
      email_verified: true,
    }),
  }),
  claims: { openid: ["sub"], profile: ["name", "preferred_username"], email: ["email", "email_verified"] },
  cookies: { keys: ["signs cookies of a test"] },
  features: {
    devInteractions: { enabled: true },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: (context, client) => (client.clientId === "batch" ? audience : undefined),
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({ scope, audience, accessTokenTTL: 600, accessTokenFormat: "jwt" }),
    },
  },
});
provider.listen(Number(port), "127.0.0.1", () => console.log(`ready at ${issuer}`));
