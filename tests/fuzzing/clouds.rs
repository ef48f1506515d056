//! What clouds answer: to every identity that asks one server after the other.

use std::collections::BTreeMap;

use regcred_cloud::{Claims, Errors, TokenResponse};
use regcred_core::{Clock, CredentialRequest, Credentials, Env, ProviderError, ProviderSpec};
use secrecy::ExposeSecret as _;

use crate::message::{assert_hides, shown};
use crate::replies::{Servers, run};
use crate::scratch::file;

/// The first byte chooses the identity, the rest are replies. Each identity has a secret of its own, which is
/// known from its requests alone; in the replies its text is that of every identity.
pub(crate) fn answers(input: &[u8]) {
    let Some((first, replies)) = input.split_first() else {
        return;
    };
    run(async {
        let number = usize::from(*first) % IDENTITIES.len();
        let identity = &IDENTITIES[number];
        let secret = format!("{SECRET}-{number:02}");
        let replies = String::from_utf8_lossy(replies).replace(SECRET, &secret);
        let servers = Servers::start(replies.as_bytes()).await;
        let env = identity.env(&servers.registry.host(), &secret);
        let spec = regcred_providers::by_name(identity.provider).expect("a provider");
        if let Err(error) = ask(spec, &env, identity.image).await {
            hides_what_was_sent(&error, &secret, &servers);
        }
    });
}

/// An error has no secret that was sent, whatever repeats it. What was not sent, such as a key that signs, may
/// be in a reply by itself.
fn hides_what_was_sent(error: &ProviderError, secret: &str, servers: &Servers) {
    let asked = servers.asked();
    let is_sent = |text: &str| {
        asked.iter().any(|asked| {
            let mut headers = asked.request.headers.values();
            asked.request.text().contains(text)
                || headers.any(|value| value.to_str().is_ok_and(|value| value.contains(text)))
        })
    };
    for secret in [secret, POD_TOKEN] {
        let basic = Credentials::new("c", secret).to_basic();
        let is_theirs = asked.iter().any(|asked| asked.reply.contains(secret));
        if !is_theirs || is_sent(secret) || is_sent(basic.expose_secret()) {
            assert_hides(error, secret);
        }
    }
    drop(shown(error));
}

async fn ask(spec: &ProviderSpec, env: &Env, image: &str) -> Result<(), ProviderError> {
    let clock = Clock::system();
    let provider = match (spec.new)(env, &clock) {
        Ok(provider) => provider,
        Err(error) => panic!("the settings are usable: {}", shown(&error)),
    };
    let mut request = CredentialRequest::new(image).expect("an image");
    if spec.name == "generic" {
        request.service_account_token = Some(POD_TOKEN.into());
        request.service_account_annotations = BTreeMap::new();
    }
    let issued = provider.plan(&request)?.fetch().await?;
    for (_, login) in &issued.auth {
        assert!(!login.username.is_empty(), "a login without a user name");
    }
    Ok(())
}

/// An identity and the variables that lead it to one server.
struct Identity {
    provider: &'static str,
    image: &'static str,
    /// `{server}` is `host:port`, `{key}` a private key, `{file}` a file with a secret.
    vars: &'static [(&'static str, &'static str)],
}

impl Identity {
    fn env(&self, server: &str, secret: &str) -> Env {
        let key = file("key.pem", KEY.as_bytes());
        let secret_file = file("secret", secret.as_bytes());
        let fill = |text: &str| {
            text.replace("{server}", server)
                .replace("{key}", &key.display().to_string())
                .replace("{file}", &secret_file.display().to_string())
                .replace(SECRET, secret)
        };
        let env = Env::map(self.vars.iter().map(|(name, value)| (*name, fill(value))));
        if self.provider != "generic" {
            return env;
        }
        let config = file("generic.yaml", fill(GENERIC).as_bytes());
        env.with([("REGCRED_GENERIC_CONFIG", config.display().to_string())])
    }
}

const IDENTITIES: &[Identity] = &[
    Identity {
        provider: "icr",
        image: "us.icr.io/team/app",
        vars: &[
            ("IBMCLOUD_IAM_URL", "http://{server}"),
            ("IBMCLOUD_API_KEY", SECRET),
        ],
    },
    Identity {
        provider: "icr",
        image: "us.icr.io/team/app",
        vars: &[("IBMCLOUD_CR_VPC_URL", "http://{server}")],
    },
    Identity {
        provider: "ecr",
        image: "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app",
        vars: &[
            ("AWS_ENDPOINT_URL_ECR", "http://{server}"),
            ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
        ],
    },
    Identity {
        provider: "ecr",
        image: "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app",
        vars: &[
            ("AWS_ENDPOINT_URL_ECR", "http://{server}"),
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://{server}"),
        ],
    },
    Identity {
        provider: "ecr",
        image: "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app",
        vars: &[
            ("AWS_ENDPOINT_URL_ECR", "http://{server}"),
            ("AWS_ENDPOINT_URL_STS", "http://{server}"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "{file}"),
            ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/pull"),
        ],
    },
    Identity {
        provider: "ecr",
        image: "public.ecr.aws/a/app",
        vars: &[
            ("AWS_ENDPOINT_URL_ECR_PUBLIC", "http://{server}"),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://{server}/c"),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", SECRET),
        ],
    },
    Identity {
        provider: "gcr",
        image: "us-docker.pkg.dev/p/team/app",
        vars: &[("GCE_METADATA_HOST", "{server}")],
    },
    Identity {
        provider: "gcr",
        image: "gcr.io/p/app",
        vars: &[
            ("GOOGLE_APPLICATION_CREDENTIALS", "{file}"),
            ("REGCRED_GCR_TRUSTED_HOSTS", "{server}"),
            ("REGCRED_GCR_OAUTH_TOKEN_URL", "http://{server}/token"),
        ],
    },
    Identity {
        provider: "acr",
        image: "contoso.azurecr.io/app",
        vars: &[
            ("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://{server}"),
            ("REGCRED_ACR_ENDPOINT", "http://{server}"),
            ("REGCRED_ACR_MANAGED_IDENTITY", "system"),
        ],
    },
    Identity {
        provider: "acr",
        image: "contoso.azurecr.io/app",
        vars: &[
            ("AZURE_AUTHORITY_HOST", "http://{server}"),
            ("REGCRED_ACR_ENDPOINT", "http://{server}"),
            ("AZURE_TENANT_ID", "00000000-0000-0000-0000-000000000001"),
            ("AZURE_CLIENT_ID", "00000000-0000-0000-0000-000000000002"),
            ("AZURE_CLIENT_SECRET", SECRET),
        ],
    },
    Identity {
        provider: "ocir",
        image: "phx.ocir.io/ns/team/app",
        vars: &[
            ("OCIR_AUTH_METHOD", "USER_PRINCIPAL"),
            ("REGCRED_OCIR_TOKEN_URL", "http://{server}"),
            ("OCI_CLI_USER", "ocid1.user.oc1..aaaa"),
            ("OCI_CLI_TENANCY", "ocid1.tenancy.oc1..aaaa"),
            (
                "OCI_CLI_FINGERPRINT",
                "12:34:56:78:9a:bc:de:f0:12:34:56:78:9a:bc:de:f0",
            ),
            ("OCI_CLI_KEY_FILE", "{key}"),
        ],
    },
    Identity {
        provider: "ocir",
        image: "phx.ocir.io/ns/team/app",
        vars: &[
            ("OCIR_AUTH_METHOD", "INSTANCE_PRINCIPAL"),
            ("OCI_METADATA_BASE_URL", "http://{server}/opc/v2"),
            ("OCI_SDK_AUTH_CLIENT_REGION_URL", "http://{server}"),
            ("REGCRED_OCIR_TOKEN_URL", "http://{server}"),
        ],
    },
    Identity {
        provider: "generic",
        image: "exchange.test/app",
        vars: &[],
    },
    Identity {
        provider: "generic",
        image: "json.test/app",
        vars: &[],
    },
    Identity {
        provider: "generic",
        image: "artifactory.test/app",
        vars: &[],
    },
    Identity {
        provider: "generic",
        image: "quay.test/app",
        vars: &[],
    },
];

const GENERIC: &str = "apiVersion: generic.regcred.dev/v1
kind: RegistryConfiguration
registries:
- matchImages: [exchange.test]
  audience: a.test
  exchange: {url: 'http://{server}/token', username: u, client: {id: c, secretFile: {file}}}
- matchImages: [json.test]
  audience: a.test
  json: {url: 'http://{server}/json', bearer: true, answer: {token: a.b, username: a.c, expiresAt: a.d}}
- matchImages: [artifactory.test]
  audience: a.test
  artifactory: {server: 'http://{server}', provider: p}
- matchImages: [quay.test]
  audience: a.test
  quay: {server: 'http://{server}', robot: o+r}
";

/// The JSON of a token endpoint, and a token.
pub(crate) fn token_response(input: &[u8]) {
    let now = chrono::DateTime::UNIX_EPOCH + chrono::TimeDelta::days(20_000);
    if let Ok(response) = serde_json::from_slice::<TokenResponse>(input) {
        let call = Errors::of("fuzz").token_call("the key", "the server");
        let shortest = chrono::TimeDelta::seconds(10);
        match response.accept(&call, now, shortest) {
            Err(error) => drop(shown(&error)),
            Ok(token) => {
                let text = token.secret.expose_secret();
                assert!(!text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic()));
                if let Some(end) = token.expires_at {
                    assert!(end > now + shortest && end <= now + chrono::TimeDelta::days(7));
                }
            }
        }
    }
    if let Ok(text) = str::from_utf8(input)
        && let Some(claims) = Claims::of(&text.into())
    {
        let _ = claims.expires_at();
        let _ = claims.valid_from();
        let _ = claims.life();
        let _ = claims.account_uid();
    }
}

const SECRET: &str = "secret-of-the-identity";
const KEY: &str = include_str!("../harness/ocir/user.pem");
/// A pod's token for `a.test` that expires in 2100. Its signature is not one: providers do not look at it.
const POD_TOKEN: &str = "eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOlsiYS50ZXN0Il0sInN1YiI6InN5c3RlbTpzZXJ2aWNlYWNjb3VudDpzaG9wOnB1bGxlciIsImlhdCI6MTcwMDAwMDAwMCwiZXhwIjo0MTAyNDQ0ODAwLCJrdWJlcm5ldGVzLmlvIjp7Im5hbWVzcGFjZSI6InNob3AiLCJzZXJ2aWNlYWNjb3VudCI6eyJuYW1lIjoicHVsbGVyIiwidWlkIjoidSJ9fX0.c2ln";
