//! How deviations travel: what is refused whatever is on, what is not repeated, and what answers say.

use jeton::pb::v1::issue_token_request::Grant;
use jeton::pb::v1::{ClientCredentialsGrant, IssueTokenRequest};

use super::{PASSWORD, enable, enable_until, everything, person};
use crate::support::clients::{REDIRECT_URI, VERIFIER};
use crate::support::server::{START, Server};
use crate::support::surface::{authentication, form};

/// Of all parameters only `code` may stand in the URL, once, of a POST, and not in the body as well.
#[tokio::test]
async fn nothing_but_one_code_is_read_from_a_url() {
    let server = Server::start().await;
    let client = server.register(everything()).await;
    enable(&server, &client, "code_in_query").await;
    let code = server.code(&client, "alice", "read").await;
    let pairs = [("grant_type", "authorization_code"), ("redirect_uri", REDIRECT_URI), ("code_verifier", VERIFIER)];
    for (query, expected) in [
        (
            format!("code={code}&client_secret=x"),
            "the parameter client_secret must be sent in the body of the request, not in its URL",
        ),
        (format!("code={code}&scope=read"), "the parameter scope must be sent in the body of the request, not in its URL"),
        (format!("code={code}&code={code}"), "the parameter code is repeated"),
        (format!("c%6Fde={code}&code={code}"), "the parameter code is repeated"),
        (format!("code={code}%"), "the parameters are not well-formed application/x-www-form-urlencoded UTF-8"),
        (format!("code={code}%FF"), "the parameters are not well-formed application/x-www-form-urlencoded UTF-8"),
    ] {
        let refused = server.post(&format!("/oauth2/token?{query}"), &client, &pairs).await.json().unwrap_err();
        assert_eq!(refused.to_string(), format!("invalid_request: {expected}"));
        assert!(!refused.description.contains(&code));
    }
    let twice = [&pairs[..], &[("code", code.as_str())]].concat();
    let refused = server.post(&format!("/oauth2/token?code={code}"), &client, &twice).await.json().unwrap_err();
    assert_eq!(refused.to_string(), "invalid_request: the parameter code is sent twice, in the URL and in the body");
    let elsewhere = server.post(&format!("/oauth2/introspect?code={code}"), &client, &[("token", "t")]).await;
    assert_eq!(elsewhere.json().unwrap_err().error, "invalid_request");
    assert_eq!(server.http.get(server.url(&format!("/oauth2/token?code={code}"))).send().await.unwrap().status(), 405);
    // None of it used the code up.
    assert_eq!(server.post(&format!("/oauth2/token?code={code}&utm=1"), &client, &pairs).await.status, 200);
}

/// The deviation is judged for who has proved to be allowed it: before that, there is nothing to learn.
#[tokio::test]
async fn a_deviation_without_authentication_is_no_more_than_that() {
    let server = Server::start().await;
    let client = server.register(everything()).await;
    enable(&server, &client, "code_in_query").await;
    let code = server.code(&client, "alice", "read").await;
    let stranger = client.with_secret("wrong");
    let pairs = [("grant_type", "authorization_code"), ("redirect_uri", REDIRECT_URI), ("code_verifier", VERIFIER)];
    let refused = server.post(&format!("/oauth2/token?code={code}"), &stranger, &pairs).await.json().unwrap_err();
    assert_eq!(refused.error, "invalid_client");
    let body = form(&[("grant_type", "client_credentials")]);
    assert_eq!(server.post_plainly("/token", &body).await.json().unwrap_err().error, "invalid_client");
}

/// A POST is never redirected, and the metadata names one path.
#[tokio::test]
async fn an_alias_is_the_same_endpoint_in_every_workspace() {
    let server = Server::start().await;
    server.create_workspace("acme").await;
    let client = server.register_in("acme", everything()).await;
    enable(&server, &client, "path_aliases").await;
    for path in ["/oauth2/token", "/token", "/oauth/2/token"] {
        let answer = server.post(path, &client, &[("grant_type", "client_credentials")]).await;
        assert_eq!(answer.status, 200, "{path}");
        // A code of one workspace, and its clients, are unknown in the other.
        let refused = server.post(path, &client.in_workspace(""), &[("grant_type", "client_credentials")]).await;
        assert_eq!(refused.json().unwrap_err().error, "invalid_client", "{path}");
    }
    let metadata = server.http.get(server.url("/acme/.well-known/oauth-authorization-server"));
    let metadata: serde_json::Value = metadata.send().await.unwrap().json().await.unwrap();
    assert_eq!(metadata["token_endpoint"], "https://id.example.org/acme/oauth2/token");
}

/// Threat L1: what is off cannot be reached by another spelling, nor with every policy on.
#[tokio::test]
async fn no_spelling_reaches_a_grant_that_is_off() {
    let server = Server::start().await;
    person(&server, "alice").await;
    let off = server.register(everything()).await;
    let on = server.register(everything()).await;
    for policy in ["grant_type_code", "password_grant", "wildcard_scope"] {
        enable(&server, &on, policy).await;
    }
    let more = [("username", "alice"), ("password", PASSWORD), ("code", "x")];
    for grant_type in ["password", "code"] {
        let refused = server.post("/oauth2/token", &off, &[&[("grant_type", grant_type)], &more[..]].concat()).await;
        assert!(refused.json().unwrap_err().description.contains("is off for this client"), "{grant_type}");
    }
    for spelling in ["Password", "PASSWORD", "password ", "pass\u{200b}word", "Code", "code,password", "urn:password", "implicit"]
    {
        for client in [&off, &on] {
            let refused = server.post("/oauth2/token", client, &[&[("grant_type", spelling)], &more[..]].concat()).await;
            assert_eq!(refused.json().unwrap_err().error, "unsupported_grant_type", "{spelling}");
        }
    }
    for scope in ["**", "* read", "read *", "%2A", "r*"] {
        let refused = server.post("/oauth2/token", &on, &[("grant_type", "client_credentials"), ("scope", scope)]).await;
        assert_eq!(refused.json().unwrap_err().error, "invalid_scope", "{scope}");
    }
}

/// A sample request without its `&` makes the refresh token part of the grant type: it must not come back.
#[tokio::test]
async fn a_refresh_token_inside_grant_type_is_not_repeated() {
    let server = Server::start().await;
    let client = server.register(everything()).await;
    let body = "grant_type=refresh_tokenrefresh_token=jrt_canary";
    let request = server.http.post(server.url("/oauth2/token")).header("authorization", client.basic());
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
    let answer = crate::support::surface::Answer::of(request.send().await.unwrap()).await;
    assert_eq!(answer.json().unwrap_err().error, "unsupported_grant_type");
    assert!(!answer.body.contains("canary"));
    let metrics = server.http.get(format!("http://{}/metrics", server.addresses().ops)).send().await.unwrap();
    assert!(!metrics.text().await.unwrap().contains("canary"));
}

/// RFC 9745 section 2, RFC 8594 section 3: an answer that rests on a policy says since when and until when.
#[tokio::test]
async fn an_answer_announces_the_policies_that_it_rests_on() {
    let server = Server::start().await;
    let client = server.register(everything()).await;
    let plain = server.post("/oauth2/token", &client, &[("grant_type", "client_credentials")]).await;
    assert_eq!((plain.header("deprecation"), plain.header("sunset")), ("", ""));

    enable(&server, &client, "wildcard_scope").await;
    let all = [("grant_type", "client_credentials"), ("scope", "*")];
    let answer = server.post("/oauth2/token", &client, &all).await;
    assert_eq!((answer.header("deprecation"), answer.header("sunset")), ("@1700000000", ""));
    server.clock.advance_seconds(5);
    enable_until(&server, &client, "path_aliases", START + 86_400).await;
    let answer = server.post("/token", &client, &all).await;
    assert_eq!(answer.header("deprecation"), "@1700000000");
    assert_eq!(answer.header("sunset"), "Wed, 15 Nov 2023 22:13:20 GMT");
    let plain = server.post("/oauth2/token", &client, &[("grant_type", "client_credentials")]).await;
    assert_eq!((plain.header("deprecation"), plain.header("sunset")), ("", ""));

    enable_until(&server, &client, "wildcard_scope", START + 86_400).await;
    let request = IssueTokenRequest {
        client_authentication: Some(authentication(&client)),
        grant: Some(Grant::ClientCredentials(ClientCredentialsGrant { scope: "*".to_owned() })),
        ..IssueTokenRequest::default()
    };
    let answer = server.tokens().issue_token(request).await.unwrap();
    let said = |name: &str| answer.metadata().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    assert_eq!(said("deprecation"), "@1700000000");
    assert_eq!(said("sunset"), "Wed, 15 Nov 2023 22:13:20 GMT");
    assert_eq!(said("jeton-policy"), "wildcard_scope");
}
