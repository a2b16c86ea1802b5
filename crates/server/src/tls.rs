//! TLS of the HTTP port: a certificate from files, taken up again when the
//! files change.

use std::path::PathBuf;
use std::sync::{Arc, RwLock};
use std::time::{Duration, SystemTime};

use anyhow::Context as _;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;

use crate::config::Tls;

/// How often the files are looked at. A renewal is not urgent; a `stat` costs
/// nothing.
const POLL: Duration = Duration::from_secs(2);

/// The certificate in use.
pub struct Certificates {
    acceptor: TlsAcceptor,
    current: Arc<Current>,
    files: Tls,
}

#[derive(Debug)]
struct Current(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Current {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // A poisoned lock holds a whole value all the same.
        Some(
            self.0
                .read()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .clone(),
        )
    }
}

impl Certificates {
    /// Reads the files.
    ///
    /// # Errors
    /// A file is missing or is no PEM, or key and certificate do not belong
    /// together.
    pub fn load(files: &Tls) -> anyhow::Result<Self> {
        let provider = Arc::new(aws_lc_rs::default_provider());
        let current = Arc::new(Current(RwLock::new(Arc::new(read(files, &provider)?))));
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(current.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            current,
            files: files.clone(),
        })
    }

    /// For the accept loop.
    pub fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    /// Looks at the files for ever. New ones that cannot be used are logged,
    /// and the old certificate stays.
    pub async fn watch(self: Arc<Self>) {
        let provider = aws_lc_rs::default_provider();
        let mut seen = self.stamps();
        loop {
            tokio::time::sleep(POLL).await;
            let stamps = self.stamps();
            if stamps == seen {
                continue;
            }
            // Remembered also when it fails: one log line per change.
            seen = stamps;
            match read(&self.files, &provider) {
                Ok(key) => {
                    *self
                        .current
                        .0
                        .write()
                        .unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(key);
                    tracing::info!(cert = %self.files.cert.display(), "certificate reloaded");
                }
                Err(error) => tracing::error!("{error:#}; the old certificate stays in use"),
            }
        }
    }

    fn stamps(&self) -> [Option<(SystemTime, u64)>; 2] {
        [&self.files.cert, &self.files.key].map(|path| {
            let meta = std::fs::metadata(path).ok()?;
            Some((meta.modified().ok()?, meta.len()))
        })
    }
}

fn read(files: &Tls, provider: &CryptoProvider) -> anyhow::Result<CertifiedKey> {
    let what =
        |kind: &str, path: &PathBuf| format!("cannot read the {kind} from {}", path.display());
    let chain = CertificateDer::pem_file_iter(&files.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .with_context(|| what("certificate (`tls.cert`)", &files.cert))?;
    if chain.is_empty() {
        anyhow::bail!(
            "{}: there is no certificate in it",
            what("certificate (`tls.cert`)", &files.cert)
        );
    }
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .with_context(|| what("private key (`tls.key`)", &files.key))?;
    CertifiedKey::from_der(chain, key, provider).with_context(|| {
        format!(
            "the private key {} does not fit the certificate {}",
            files.key.display(),
            files.cert.display()
        )
    })
}
