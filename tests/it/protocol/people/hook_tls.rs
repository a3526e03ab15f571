//! A password goes to the operator's hook over TLS, and nowhere else.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use jeton::config::{Config, Sources};
use jeton::pb::hooks::v1::credential_check_service_server::CredentialCheckServiceServer;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Identity, Server as TonicServer, ServerTlsConfig};

use super::Door;
use super::hook::{Directory, TOKEN, UNAVAILABLE, at_the_hook};
use crate::support::server::Server;

/// Who signs the certificates of hooks.
struct Authority {
    pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { pem, issuer: Issuer::new(params, key) }
    }

    fn identity(&self, host: &str) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![host.to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        Identity::from_pem(certificate.pem(), key.serialize_pem())
    }

    /// A directory whose certificate is for this host.
    async fn hook(&self, host: &str) -> (SocketAddr, Directory) {
        let (listener, directory) = (TcpListener::bind("127.0.0.1:0").await.unwrap(), Directory::default());
        let address = listener.local_addr().unwrap();
        let mut server = TonicServer::builder().tls_config(ServerTlsConfig::new().identity(self.identity(host))).unwrap();
        let service = CredentialCheckServiceServer::new(directory.clone());
        tokio::spawn(server.add_service(service).serve_with_incoming(TcpIncoming::from(listener)));
        (address, directory)
    }
}

/// The settings of a hook, whose certificate must be of these authorities.
fn settings(files: &Path, address: SocketAddr, authorities: &str) -> [String; 3] {
    let (token, ca) = (files.join("token"), files.join("ca.pem"));
    fs::write(&token, TOKEN).unwrap();
    fs::write(&ca, authorities).unwrap();
    [
        format!("hooks.credential_check_uri=https://{address}"),
        format!("hooks.credential_check_token_file={}", token.display()),
        format!("hooks.credential_check_ca_file={}", ca.display()),
    ]
}

async fn server(address: SocketAddr, authorities: &str) -> Server {
    let files = TempDir::new().unwrap();
    let settings = settings(files.path(), address, authorities);
    let server = Server::with(&settings.each_ref().map(String::as_str)).await;
    server.sign_in_by(at_the_hook()).await;
    server
}

#[tokio::test]
async fn a_hook_with_a_certificate_of_the_named_authority_is_asked() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (address, directory) = authority.hook("127.0.0.1").await;
    for authorities in [authority.pem.clone(), format!("# two of them\n{}\n{}", other.pem, authority.pem)] {
        let server = server(address, &authorities).await;
        let session = Door::of(&server).sign_in("alice", "open").await.unwrap();
        assert_eq!(Door::of(&server).who(&session).await.as_deref(), Some("alice@directory"));
    }
    assert_eq!(directory.0.lock().unwrap().len(), 2);
}

/// RFC 9525 section 6: the certificate is of an authority that is trusted, and for the host that is called.  Otherwise
/// nobody signs in, and the password is not sent.
#[tokio::test]
async fn a_hook_that_does_not_prove_itself_is_an_outage() {
    let (authority, other) = (Authority::new(), Authority::new());
    for (host, trusted) in [("127.0.0.1", &other), ("users.example", &authority)] {
        let (address, directory) = authority.hook(host).await;
        let server = server(address, &trusted.pem).await;
        for _ in 0..8 {
            assert_eq!(Door::of(&server).refused("alice", "open").await, UNAVAILABLE, "{host}");
        }
        assert!(directory.0.lock().unwrap().is_empty(), "{host}");
    }
}

/// The library leaves out certificates that it cannot read: with none left, every sign-in would fail for no visible reason.
#[test]
fn a_file_without_certificates_is_refused_when_the_configuration_is_read() {
    let (files, good) = (TempDir::new().unwrap(), Authority::new().pem);
    let load = |pem: &str| {
        let flags = settings(files.path(), ([127, 0, 0, 1], 1).into(), pem).to_vec();
        Config::load(&Sources { flags, ..Sources::default() }).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(load(&good), Ok(()));
    assert_eq!(load(&good.replace('\n', "\r\n")), Ok(()));
    let key = KeyPair::generate().unwrap().serialize_pem();
    let cut = good.split_at(good.len() / 2).0;
    let wrong_type = "-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n";
    let shortened = good.lines().enumerate().filter(|(at, _)| *at != 2).map(|(_, line)| line).collect::<Vec<_>>().join("\n");
    for bad in ["", "not PEM", &key, cut, wrong_type, &good.replace("M", "*"), &format!("{good}{cut}"), &shortened] {
        let refusal = load(bad).unwrap_err();
        assert!(refusal.contains("hooks.credential_check_ca_file"), "{refusal}");
        assert!(refusal.contains("must hold certificates in PEM"), "{refusal}");
    }
    let flags = vec![
        "hooks.credential_check_uri=https://127.0.0.1:1".to_owned(),
        format!("hooks.credential_check_token_file={}", files.path().join("token").display()),
        "hooks.credential_check_ca_file=/nowhere/ca.pem".to_owned(),
    ];
    let refusal = Config::load(&Sources { flags, ..Sources::default() }).unwrap_err().to_string();
    assert!(refusal.contains("hooks.credential_check_ca_file") && refusal.contains("cannot be read"), "{refusal}");
}
