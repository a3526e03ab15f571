//! TLS to the database: the chain and the name of its certificate are always checked.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::store::StoreError;
use crate::store::postgres::url::{Authorities, DatabaseUrl};

/// The protocol's name (RFC 7301), which a server wants to hear when TLS begins without being asked for.
const ALPN: &[u8] = b"postgresql";

/// What speaks TLS with the hosts of a URL; `None` when none is to be spoken to that way.
pub(super) fn connector(url: &DatabaseUrl, given: Option<&[u8]>) -> Result<Option<MakeRustlsConnect>, StoreError> {
    if !url.secure() {
        return Ok(None);
    }
    let roots = match (given, &url.authorities) {
        (Some(_), Some(_)) => return Err(refused("sslrootcert and store.ca_file are both set: leave one of them out")),
        (Some(pem), None) => from_pem(pem, "the file of store.ca_file")?,
        (None, Some(Authorities::File(path))) => {
            let named = format!("the file of sslrootcert, {},", path.display());
            let pem = std::fs::read(path).map_err(|cause| refused(format!("{named} cannot be read: {cause}")))?;
            from_pem(&pem, &named)?
        }
        (None, Some(Authorities::System) | None) => of_the_system()?,
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|cause| refused(format!("TLS cannot be used: {cause}")))?;
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(Some(MakeRustlsConnect::new(config)))
}

fn from_pem(pem: &[u8], named: &str) -> Result<RootCertStore, StoreError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| refused(format!("{named} holds something that is not PEM")))?;
        roots.add(certificate).map_err(|cause| refused(format!("{named} holds a certificate that cannot be read: {cause}")))?;
    }
    if roots.is_empty() {
        return Err(refused(format!("{named} must hold certificates in PEM, and holds none")));
    }
    Ok(roots)
}

fn of_the_system() -> Result<RootCertStore, StoreError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        return Err(refused(
            "this machine trusts no authority, so the database's certificate cannot be checked: set store.ca_file",
        ));
    }
    Ok(roots)
}

fn refused(sentence: impl Into<String>) -> StoreError {
    StoreError::Refused(sentence.into())
}
