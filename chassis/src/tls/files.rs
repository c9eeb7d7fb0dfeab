//! Certificates, keys and CAs as files. Kubernetes changes them by swapping a link, so a path is
//! opened anew each time.

use std::fs::File;
use std::hash::{Hash as _, Hasher};
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use keyway_words::Timestamp;
use rustls::RootCertStore;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_parser::prelude::{FromDer as _, X509Certificate};
use zeroize::Zeroizing;

use super::{FileRules, KeyPair, TlsError, TlsFile};

/// The bytes of the files of one use.
pub(super) struct Contents {
    pub(super) certificate: Option<Vec<u8>>,
    pub(super) key: Option<Zeroizing<Vec<u8>>>,
    pub(super) authorities: Option<Vec<u8>>,
}

impl Contents {
    pub(super) fn read(
        pair: Option<&KeyPair>,
        authorities: Option<&TlsFile>,
        rules: FileRules,
    ) -> Result<Self, TlsError> {
        Ok(Self {
            certificate: pair.map(|pair| public(&pair.certificate)).transpose()?,
            key: pair.map(|pair| private(&pair.key, rules)).transpose()?,
            authorities: authorities.map(public).transpose()?,
        })
    }

    /// Feeds a hasher that tells whether anything changed.
    pub(super) fn hash_into(&self, hasher: &mut impl Hasher) {
        self.certificate.hash(hasher);
        self.key.as_deref().hash(hasher);
        self.authorities.hash(hasher);
    }
}

/// The only provider of this product.
pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// A chain with its key, and the time in which it may be used.
pub(super) struct Certified {
    pub(super) key: CertifiedKey,
    pub(super) begins: Timestamp,
    pub(super) ends: Timestamp,
}

/// Makes one pair of the bytes that were read.
pub(super) fn certified(
    contents: &Contents,
    pair: &KeyPair,
    now: Timestamp,
) -> Result<Certified, TlsError> {
    let chain = certificates(
        contents.certificate.as_deref().unwrap_or_default(),
        &pair.certificate,
    )?;
    let pem = contents.key.as_ref().map_or(&[][..], |pem| pem.as_slice());
    let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_form| TlsError::NotPem {
        file: pair.key.clone(),
        wanted: "unencrypted private key",
    })?;
    let (begins, ends) = validity(&chain, &pair.certificate)?;
    in_time(begins, ends, now, &pair.certificate)?;
    let key = CertifiedKey::from_der(chain, key, &provider()).map_err(|cause| TlsError::Pair {
        certificate: pair.certificate.clone(),
        key: pair.key.clone(),
        cause: Box::new(cause),
    })?;
    Ok(Certified { key, begins, ends })
}

/// The CAs whose certificates count.
pub(super) fn roots(contents: &Contents, file: &TlsFile) -> Result<Arc<RootCertStore>, TlsError> {
    let mut store = RootCertStore::empty();
    for authority in certificates(contents.authorities.as_deref().unwrap_or_default(), file)? {
        store
            .add(authority)
            .map_err(|error| TlsError::refused(file, &error))?;
    }
    Ok(Arc::new(store))
}

fn certificates(pem: &[u8], file: &TlsFile) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match read {
        Ok(chain) if !chain.is_empty() => Ok(chain),
        _ => Err(TlsError::NotPem {
            file: file.clone(),
            wanted: "certificate",
        }),
    }
}

fn validity(
    chain: &[CertificateDer<'_>],
    file: &TlsFile,
) -> Result<(Timestamp, Timestamp), TlsError> {
    let unreadable = || TlsError::Certificate {
        file: file.clone(),
        why: "it is not an X.509 certificate",
    };
    let leaf = chain.first().ok_or_else(unreadable)?;
    let (_rest, leaf) = X509Certificate::from_der(leaf).map_err(|_form| unreadable())?;
    let time = leaf.validity();
    Ok((
        seconds(time.not_before.timestamp()),
        seconds(time.not_after.timestamp()),
    ))
}

fn in_time(
    begins: Timestamp,
    ends: Timestamp,
    now: Timestamp,
    file: &TlsFile,
) -> Result<(), TlsError> {
    let why = if ends <= now {
        format!("expired at {}", ends.rfc3339())
    } else if now < begins {
        format!("is not valid before {}", begins.rfc3339())
    } else {
        return Ok(());
    };
    Err(TlsError::Time {
        file: file.clone(),
        why,
    })
}

/// Seconds since 1970, as certificates count.
pub(super) fn seconds(count: i64) -> Timestamp {
    Timestamp(count.saturating_mul(1_000_000))
}

fn public(file: &TlsFile) -> Result<Vec<u8>, TlsError> {
    let opened = open(file)?;
    let mut bytes = Vec::new();
    read(opened, file, &mut bytes)?;
    Ok(bytes)
}

fn private(file: &TlsFile, rules: FileRules) -> Result<Zeroizing<Vec<u8>>, TlsError> {
    let opened = open(file)?;
    let metadata = opened.metadata().map_err(|cause| io(file, cause))?;
    let forbidden = if rules.group_reads { 0o037 } else { 0o077 };
    if metadata.permissions().mode() & forbidden != 0 {
        return Err(TlsError::Exposed(file.clone()));
    }
    // Room for all of it, so that reading does not grow it and leave copies behind.
    let room = usize::try_from(metadata.len().min(LONGEST)).unwrap_or(0);
    let mut bytes = Zeroizing::new(Vec::with_capacity(room.saturating_add(1)));
    read(opened, file, &mut bytes)?;
    Ok(bytes)
}

fn open(file: &TlsFile) -> Result<File, TlsError> {
    File::open(&file.path).map_err(|cause| io(file, cause))
}

fn read(opened: File, file: &TlsFile, bytes: &mut Vec<u8>) -> Result<(), TlsError> {
    let read = opened.take(LONGEST).read_to_end(bytes);
    let read = read.map_err(|cause| io(file, cause))?;
    if u64::try_from(read).is_ok_and(|read| read >= LONGEST) {
        return Err(TlsError::TooLarge(file.clone()));
    }
    Ok(())
}

fn io(file: &TlsFile, cause: std::io::Error) -> TlsError {
    TlsError::Io {
        file: file.clone(),
        cause,
    }
}

const LONGEST: u64 = 1 << 20;
