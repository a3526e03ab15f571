//! Every policy of the token endpoint: off is refused with the way out, on is served, for that client, in its time,
//! within the ceiling of its workspace.

use jeton::types::time::Clock;

use super::{HOW, PASSWORD, disable, enable, enable_until, everything, person, refresh_alone, set_ceiling};
use crate::support::clients::{Party, REDIRECT_URI, VERIFIER};
use crate::support::surface::{Api, Refused, Surface};

/// A request that is served only while the policy of its name is on.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Deviation {
    CodeInQuery,
    GrantTypeCode,
    PasswordGrant,
    PathAlias,
    OtherPathAlias,
    RefreshAlone,
    SameRefreshToken,
    Wildcard,
}

use Deviation::{CodeInQuery, GrantTypeCode, OtherPathAlias, PasswordGrant, PathAlias, RefreshAlone, SameRefreshToken, Wildcard};

const ALL: [Deviation; 8] =
    [CodeInQuery, GrantTypeCode, PasswordGrant, PathAlias, OtherPathAlias, RefreshAlone, SameRefreshToken, Wildcard];

impl Deviation {
    fn policy(self) -> &'static str {
        match self {
            CodeInQuery => "code_in_query",
            GrantTypeCode => "grant_type_code",
            PasswordGrant => "password_grant",
            PathAlias | OtherPathAlias => "path_aliases",
            RefreshAlone => "refresh_without_client_authentication",
            SameRefreshToken => "refresh_rotation_never",
            Wildcard => "wildcard_scope",
        }
    }

    /// What a client that may not is answered with.
    fn error(self) -> &'static str {
        match self {
            CodeInQuery | PathAlias | OtherPathAlias => "invalid_request",
            GrantTypeCode => "unsupported_grant_type",
            PasswordGrant => "unauthorized_client",
            RefreshAlone => "invalid_client",
            SameRefreshToken => "invalid_grant",
            Wildcard => "invalid_scope",
        }
    }

    /// Messages of gRPC have no URL and no raw grant type.
    fn over(self, surface: Surface) -> bool {
        matches!(surface, Surface::Rest) || !matches!(self, CodeInQuery | GrantTypeCode | PathAlias | OtherPathAlias)
    }

    async fn attempt(self, api: &Api, client: &Party) -> Result<(), Refused> {
        let server = &api.server;
        let redeemed = |code: &str, path: String, grant_type: &'static str, in_body: bool| {
            let code = code.to_owned();
            async move {
                let mut pairs = vec![("grant_type", grant_type), ("redirect_uri", REDIRECT_URI), ("code_verifier", VERIFIER)];
                if in_body {
                    pairs.push(("code", &code));
                }
                server.post(&path, client, &pairs).await.json().map(|_| ())
            }
        };
        match self {
            CodeInQuery => {
                let code = server.code(client, "alice", "read").await;
                redeemed(&code, format!("/oauth2/token?code={code}"), "authorization_code", false).await
            }
            GrantTypeCode => {
                let code = server.code(client, "alice", "read").await;
                redeemed(&code, "/oauth2/token".to_owned(), "code", true).await
            }
            PathAlias | OtherPathAlias => {
                let code = server.code(client, "alice", "read").await;
                let path = if self == PathAlias { "/token" } else { "/oauth/2/token" };
                redeemed(&code, path.to_owned(), "authorization_code", true).await
            }
            PasswordGrant => {
                let pairs = [("grant_type", "password"), ("username", "alice"), ("password", PASSWORD)];
                api.token(client, &pairs).await.map(|_| ())
            }
            RefreshAlone => {
                let tokens = api.sign_in(client, "alice", "read").await;
                refresh_alone(api, tokens.refresh_token()).await.map(|_| ())
            }
            SameRefreshToken => {
                let tokens = api.sign_in(client, "alice", "read").await;
                api.refresh(client, tokens.refresh_token()).await?;
                server.clock.advance_seconds(31);
                api.refresh(client, tokens.refresh_token()).await.map(|_| ())
            }
            Wildcard => api.client_credentials(client, "*").await.map(|_| ()),
        }
    }
}

async fn refused(deviation: Deviation, api: &Api, client: &Party, why: &str) {
    let refused = deviation.attempt(api, client).await.expect_err(why);
    assert_eq!(refused.error, deviation.error(), "{deviation:?}: {refused}");
    // An old refresh token ends its grant, whoever shows it: its sentence is the same in every case.
    let expected = if deviation == SameRefreshToken { "jeton policy enable" } else { why };
    assert!(refused.description.contains(expected), "{deviation:?}: {refused}");
    assert!(refused.description.contains(deviation.policy()), "{deviation:?}: {refused}");
}

#[tokio::test]
async fn a_deviation_is_served_for_the_one_client_that_an_operator_allowed_it() {
    for api in Api::both().await {
        person(&api.server, "alice").await;
        for deviation in ALL.into_iter().filter(|deviation| deviation.over(api.surface)) {
            let (allowed, other) = (api.server.register(everything()).await, api.server.register(everything()).await);
            refused(deviation, &api, &allowed, HOW).await;
            enable(&api.server, &allowed, deviation.policy()).await;
            assert_eq!(deviation.attempt(&api, &allowed).await, Ok(()), "{deviation:?}");
            refused(deviation, &api, &other, HOW).await;
            disable(&api.server, &allowed, deviation.policy()).await;
            refused(deviation, &api, &allowed, HOW).await;
        }
    }
}

#[tokio::test]
async fn a_deviation_ends_with_its_policy() {
    for api in Api::both().await {
        person(&api.server, "alice").await;
        for deviation in ALL.into_iter().filter(|deviation| deviation.over(api.surface)) {
            let client = api.server.register(everything()).await;
            let end = api.server.clock.now().seconds().plus(100);
            enable_until(&api.server, &client, deviation.policy(), end.0).await;
            assert_eq!(deviation.attempt(&api, &client).await, Ok(()), "{deviation:?}");
            api.server.clock.advance_seconds(end.since(api.server.clock.now().seconds()));
            refused(deviation, &api, &client, "has expired for this client").await;
        }
    }
}

#[tokio::test]
async fn a_lowered_ceiling_switches_off_what_is_above_it() {
    for api in Api::both().await {
        person(&api.server, "alice").await;
        for deviation in ALL.into_iter().filter(|deviation| deviation.over(api.surface)) {
            set_ceiling(&api.server, &[deviation.policy()]).await;
            let client = api.server.register(everything()).await;
            enable(&api.server, &client, deviation.policy()).await;
            assert_eq!(deviation.attempt(&api, &client).await, Ok(()), "{deviation:?}");
            set_ceiling(&api.server, &[]).await;
            refused(deviation, &api, &client, "but the ceiling of the workspace does not").await;
        }
    }
}

/// What policies cannot allow a public client, they do not.
#[tokio::test]
async fn a_public_client_stays_without_what_needs_a_secret() {
    for api in Api::both().await {
        let client = api.server.register(crate::support::clients::native()).await;
        for deviation in [CodeInQuery, PasswordGrant].into_iter().filter(|deviation| deviation.over(api.surface)) {
            refused(deviation, &api, &client, "only to a client with a secret").await;
        }
        let tokens = api.sign_in(&client, "alice", "read").await;
        let refused = refresh_alone(&api, tokens.refresh_token()).await.unwrap_err();
        assert_eq!(refused.error, "invalid_client");
    }
}
