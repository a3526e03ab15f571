//! TLS to the database: whose certificate is accepted, and whose is not.

use jeton::store::postgres::PostgresOptions;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use super::{migrated, options};
use crate::support::postgres::Database;
use crate::support::postgres::cluster::{Cluster, Settings};

/// An authority: its certificate, and what it signs with.
fn authority() -> (String, Issuer<'static, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&key).unwrap();
    (certificate.pem(), Issuer::new(params, key))
}

/// The role of the tests comes in over TLS alone; the fixture itself, plain.
const HOSTS: &str = "local all all trust\nhostnossl all jeton all reject\nhost all all 127.0.0.1/32 scram-sha-256\n";

/// A server whose certificate is for one name, a database on it, and the authority's certificate.
async fn server(name: &str) -> (Cluster, Database, String) {
    let (pem, issuer) = authority();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let settings = Settings::default().file("server.crt", &certificate.pem()).file("server.key", &key.serialize_pem());
    let cluster = settings.file("pg_hba.conf", HOSTS).set("ssl", "on").start().await;
    let database = cluster.database().await;
    (cluster, database, pem)
}

/// Reached by name: the address is told beside it, so that no resolver is asked.
fn named(database: &Database, name: &str, sslmode: &str) -> PostgresOptions {
    let address = database.address();
    let (before, _) = database.url().split_once('@').map(|(before, after)| (before.to_owned(), after.to_owned())).unwrap();
    let url =
        format!("{before}@/{}?host={name}&hostaddr={}&port={}&sslmode={sslmode}", database.name(), address.ip(), address.port());
    options(&url)
}

fn trusting(options: PostgresOptions, pem: &str) -> PostgresOptions {
    PostgresOptions { authorities: Some(pem.as_bytes().to_vec()), ..options }
}

async fn refused(options: PostgresOptions) -> String {
    migrated(&options).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_certificate_of_the_right_authority_for_the_right_name_is_accepted() {
    let (_cluster, database, pem) = server("db.example.org").await;
    for sslmode in ["require", "verify-ca", "verify-full"] {
        migrated(&trusting(named(&database, "db.example.org", sslmode), &pem)).await.unwrap();
    }
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("ca.pem");
    std::fs::write(&file, &pem).unwrap();
    let sslmode = format!("verify-full&sslrootcert={}", file.display());
    migrated(&named(&database, "db.example.org", &sslmode)).await.unwrap();
    // The server takes the role over TLS alone, so that this is what was spoken.
    let plain = refused(options(&database.url())).await;
    assert!(plain.contains("pg_hba.conf rejects connection"), "{plain}");
}

/// Neither of libpq's lesser modes lets another name, or an unknown authority, pass.
#[tokio::test]
async fn a_certificate_for_another_name_or_of_another_authority_is_refused() {
    let (_cluster, database, pem) = server("db.example.org").await;
    let (other, _) = authority();
    for sslmode in ["require", "verify-ca", "verify-full"] {
        let name = refused(trusting(named(&database, "db.example.com", sslmode), &pem)).await;
        assert!(name.contains("invalid peer certificate") && name.contains("must be for that name"), "{name}");
        let issuer = refused(trusting(named(&database, "db.example.org", sslmode), &other)).await;
        assert!(issuer.contains("invalid peer certificate") && issuer.contains("store.ca_file names the authority"), "{issuer}");
        let system = refused(named(&database, "db.example.org", sslmode)).await;
        assert!(system.contains("UnknownIssuer") || system.contains("trusts no authority"), "{system}");
    }
}

/// Whoever sits in between must not talk the connection out of TLS.
#[tokio::test]
async fn a_server_without_tls_is_refused_when_tls_is_wanted() {
    let database = crate::support::postgres::database().await;
    let (pem, _) = authority();
    let refusal = refused(trusting(named(&database, "localhost", "verify-full"), &pem)).await;
    assert!(refusal.contains("does not support TLS; switch TLS on there"), "{refusal}");
}

#[tokio::test]
async fn authorities_that_are_none_are_refused_before_anything_is_sent() {
    let options = options("postgres://jeton@db.example.org/jeton");
    let refusal = refused(trusting(options, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")).await;
    assert!(refusal.contains("the file of store.ca_file holds a certificate that cannot be read"), "{refusal}");
    let missing = refused(super::options("postgres://jeton@db.example.org/jeton?sslrootcert=/nowhere/ca.pem")).await;
    assert!(missing.contains("the file of sslrootcert, /nowhere/ca.pem, cannot be read"), "{missing}");
}
