//! The server's certificate: loaded, watched, replaced without a restart.

use crate::challenge::{self, Challenge};
use crate::metrics::{LoadResult, Loaded, Metrics};
use crate::own_certificate;
use crate::tls;
use crate::validity;
use arc_swap::{ArcSwap, ArcSwapOption};
use plenum_daemon::Reload;
use plenum_protocol::settings::WebSettings;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// RFC 6761 section 6.3.
const LOCALHOST: &str = "localhost";
const POLL: Duration = Duration::from_secs(2);
/// How often a certificate of the box's own is checked for its expiry.
const RENEWAL_CHECK: Duration = Duration::from_secs(3_600);

#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    #[error("{}: {source}", file.display())]
    Unreadable { file: PathBuf, source: io::Error },
    #[error("{}: no PEM {what} in it ({detail})", file.display())]
    Malformed { file: PathBuf, what: &'static str, detail: String },
    #[error("{}: the key is not usable: {detail}. ECDSA P-256/P-384, Ed25519 and RSA from 2048 bits are", file.display())]
    Key { file: PathBuf, detail: String },
    #[error("{}: it has expired", file.display())]
    Expired { file: PathBuf },
    #[error("{} does not belong to {}: replace both", key.display(), certificate.display())]
    Mismatch { certificate: PathBuf, key: PathBuf },
}

/// Reads and checks a PEM chain and its key.
pub fn load(certificate: &Path, key: &Path) -> Result<CertifiedKey, CertificateError> {
    let certified = read(certificate, key)?;
    match certified.keys_match() {
        Ok(()) => Ok(certified),
        Err(rustls::Error::InconsistentKeys(_)) => {
            Err(CertificateError::Mismatch { certificate: certificate.to_owned(), key: key.to_owned() })
        }
        Err(error) => Err(malformed(certificate, "certificate", error.to_string())),
    }
}

fn malformed(file: &Path, what: &'static str, detail: String) -> CertificateError {
    CertificateError::Malformed { file: file.to_owned(), what, detail }
}

/// Whether they belong together is another question.
pub(crate) fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey, CertificateError> {
    let read = |file: &Path| {
        fs::read(file).map_err(|source| CertificateError::Unreadable { file: file.to_owned(), source })
    };
    let chain = CertificateDer::pem_slice_iter(&read(certificate)?)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| malformed(certificate, "certificate", error.to_string()))?;
    if chain.is_empty() {
        return Err(malformed(certificate, "certificate", "it has none".to_owned()));
    }
    let private = PrivateKeyDer::from_pem_slice(&read(key)?)
        .map_err(|error| malformed(key, "private key", error.to_string()))?;
    let provider = rustls::crypto::aws_lc_rs::default_provider();
    let signer = provider
        .key_provider
        .load_private_key(private)
        .map_err(|error| CertificateError::Key { file: key.to_owned(), detail: error.to_string() })?;
    Ok(CertifiedKey::new(chain, signer))
}

fn unexpired(certified: &CertifiedKey, file: &Path) -> Result<(), CertificateError> {
    match not_after(certified) {
        Some(end) if end < SystemTime::now() => Err(CertificateError::Expired { file: file.to_owned() }),
        _ => Ok(()),
    }
}

fn not_after(certified: &CertifiedKey) -> Option<SystemTime> {
    validity::not_after(certified.cert.first()?)
}

/// Unix time of the end; 0 if it cannot be read.
fn end(certified: &CertifiedKey) -> i64 {
    let end = not_after(certified).and_then(|end| end.duration_since(SystemTime::UNIX_EPOCH).ok());
    end.map_or(0, |end| i64::try_from(end.as_secs()).unwrap_or(i64::MAX))
}

/// The certificate that new connections are shown.
#[derive(Debug)]
pub struct Certificates {
    current: ArcSwap<CertifiedKey>,
    /// For whoever asks for `localhost`: the box's own health check, which no authority of others knows.
    own: ArcSwapOption<CertifiedKey>,
    challenge: Challenge,
    source: Source,
    /// Of the files as they were before they were read for the first time.
    first: Signature,
    metrics: Metrics,
}

/// Inode, length and time of change of the files.
type Signature = [Option<(u64, u64, i64, i64)>; 4];

#[derive(Debug)]
struct Source {
    /// Chain and key from the manager of the box; goes before the others while it exists.
    managed: PathBuf,
    /// More names for a certificate of the box's own, from the manager too.
    more_names: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
    /// Set if the box makes its own.
    own: Option<(own_certificate::Files, Vec<String>)>,
}

impl Source {
    fn new(settings: &WebSettings) -> Self {
        let managed = settings.manager_dir.join("server.pem");
        let more_names = settings.manager_dir.join("names");
        if settings.certificate.as_os_str().is_empty() {
            let files = own_certificate::Files::in_dir(&settings.state_dir);
            let (certificate, key) = (files.certificate.clone(), files.key.clone());
            let own = Some((files, settings.names.clone()));
            Source { managed, more_names, certificate, key, own }
        } else {
            let (certificate, key) = (settings.certificate.clone(), settings.key.clone());
            Source { managed, more_names, certificate, key, own: None }
        }
    }

    /// Certificate and key; one file may be both.
    fn files(&self) -> (&Path, &Path) {
        match self.managed.exists() {
            true => (&self.managed, &self.managed),
            false => (&self.certificate, &self.key),
        }
    }

    /// `None` where the box makes none.
    fn own_certificate(&self) -> Option<Arc<CertifiedKey>> {
        self.own.as_ref()?;
        load(&self.certificate, &self.key).ok().map(Arc::new)
    }

    fn renew(&self) -> anyhow::Result<()> {
        if let Some((files, names)) = &self.own {
            let mut names = names.clone();
            let more = fs::read_to_string(&self.more_names).unwrap_or_default();
            let more = more.lines().filter(|name| !name.is_empty() && !names.iter().any(|it| it == name));
            let more: Vec<String> = more.map(str::to_owned).collect();
            names.extend(more);
            own_certificate::ensure(files, &names, SystemTime::now())?;
        }
        Ok(())
    }

    /// Changes when one of the files does, also when a symbolic link is turned to another file.
    fn signature(&self) -> Signature {
        [&self.managed, &self.more_names, &self.certificate, &self.key].map(|file| {
            let metadata = fs::metadata(file).ok()?;
            Some((metadata.ino(), metadata.len(), metadata.mtime(), metadata.mtime_nsec()))
        })
    }
}

impl Certificates {
    /// What the settings name; made if they name none.
    pub fn start(settings: &WebSettings, metrics: &Metrics) -> anyhow::Result<Arc<Self>> {
        let source = Source::new(settings);
        source.renew()?;
        let first = source.signature();
        let (certificate, key) = source.files();
        let loaded = match load(certificate, key) {
            // The pages are how an administrator mends it.
            Err(error) if certificate == source.managed => {
                log::error!(error:%; "the manager's certificate cannot be used");
                load(&source.certificate, &source.key)?
            }
            loaded => loaded?,
        };
        if let Err(error) = unexpired(&loaded, certificate) {
            log::error!(error:%; "browsers will refuse this certificate");
        }
        metrics.certificate_expiry.set(end(&loaded));
        let (current, metrics) = (ArcSwap::from_pointee(loaded), metrics.clone());
        let own = ArcSwapOption::new(source.own_certificate());
        let challenge = Challenge::in_dir(&settings.manager_dir);
        Ok(Arc::new(Certificates { current, own, challenge, source, first, metrics }))
    }

    /// Takes up the files as they are now. A broken replacement is refused, and the one in use stays.
    pub fn reload(&self) {
        self.own.store(self.source.own_certificate());
        let (certificate, key) = self.source.files();
        let loaded = load(certificate, key).and_then(|loaded| {
            unexpired(&loaded, certificate)?;
            Ok(loaded)
        });
        let result = match loaded {
            Ok(loaded) => {
                self.metrics.certificate_expiry.set(end(&loaded));
                self.current.store(Arc::new(loaded));
                log::info!(file:% = certificate.display(); "certificate taken up");
                LoadResult::Taken
            }
            Err(error) => {
                log::error!(error:%; "the new certificate is refused; the old one stays in use");
                LoadResult::Refused
            }
        };
        self.metrics.certificate_loads.get_or_create(&Loaded { result }).inc();
    }

    fn renew(&self) {
        if let Err(error) = self.source.renew() {
            log::error!(error:% = format!("{error:#}"); "the certificate could not be renewed");
        }
    }

    /// Watches the files; never returns. `poll` is the time between two looks.
    pub async fn watch(self: Arc<Self>, mut reload: Reload, poll: Option<Duration>) {
        let mut seen = self.first;
        let mut renewal = tokio::time::interval(RENEWAL_CHECK);
        let mut polls = tokio::time::interval(poll.unwrap_or(POLL));
        loop {
            let forced = tokio::select! {
                () = reload.next() => true,
                _ = polls.tick() => false,
                _ = renewal.tick() => {
                    self.renew();
                    false
                }
            };
            let signature = self.source.signature();
            if forced || signature != seen {
                // The names may have changed.
                if signature != seen {
                    self.renew();
                }
                seen = self.source.signature();
                self.reload();
            }
        }
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if challenge::is_asked(&hello, &tls::PROTOCOLS) {
            return self.challenge.proof();
        }
        if hello.server_name() == Some(LOCALHOST)
            && let Some(own) = self.own.load_full()
        {
            return Some(own);
        }
        Some(self.current.load_full())
    }
}
