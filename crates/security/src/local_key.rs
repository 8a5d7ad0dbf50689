//! The local key file: the key that wraps the clusters' data keys where no key-management service
//! is configured.
//!
//! One file of one key for the whole data directory, mode 0600, written at the first start and
//! never again: when data is on disk and the file is missing, nothing can be read, and a new key
//! would hide that. A wrapped key names the key that wrapped it and is bound to its context (the
//! cluster that it belongs to), so that it can be unwrapped nowhere else.

use std::{fmt, fs, io, path::Path, path::PathBuf};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest,
};
use milena_runtime::Runtime;

use crate::private_file;

const FIRST_LINE: &str = "milena local key 1";
const WRAPPED_LEVEL: u8 = 1;
const KEY_LEN: usize = 32;
const KEY_ID_LEN: usize = 8;
const TAG_LEN: usize = 16;
const WRAPPED_LEN: usize = 1 + KEY_ID_LEN + NONCE_LEN + KEY_LEN + TAG_LEN;

/// A local key that could not be loaded, or that does not unwrap a data key.
#[derive(Debug, thiserror::Error)]
pub enum LocalKeyError {
    #[error("cannot {verb} the key file {}: {source}", path.display())]
    Io { verb: &'static str, path: PathBuf, source: io::Error },
    #[error(
        "the key file {} is missing, but there is data that only this key can decrypt; put the \
         file back from a backup, or start with an empty data directory",
        path.display()
    )]
    Missing { path: PathBuf },
    #[error(
        "{} is not a key file of this release: {reason}; put the file back from a backup",
        path.display()
    )]
    Malformed { path: PathBuf, reason: &'static str },
    #[error("the wrapped data key does not open: {0}")]
    Unwrap(&'static str),
}

/// The data key of one cluster, unwrapped. `Debug` does not show its bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct ClusterDataKey([u8; KEY_LEN]);

impl ClusterDataKey {
    pub fn generate(runtime: &Runtime) -> Self {
        let mut bytes = [0; KEY_LEN];
        runtime.fill_random(&mut bytes);
        Self(bytes)
    }

    pub fn bytes(&self) -> &[u8; KEY_LEN] {
        &self.0
    }
}

impl fmt::Debug for ClusterDataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClusterDataKey(…)")
    }
}

/// The key of the local key file.
#[derive(Clone)]
pub struct LocalKey {
    bytes: [u8; KEY_LEN],
    id: [u8; KEY_ID_LEN],
}

impl LocalKey {
    /// Reads the key file. Where there is none, writes one with a random key, unless data exists
    /// that was encrypted under another.
    pub fn load_or_create(
        path: &Path,
        data_exists: bool,
        runtime: &Runtime,
    ) -> Result<Self, LocalKeyError> {
        let io = |verb, source| LocalKeyError::Io { verb, path: path.to_owned(), source };
        match fs::read_to_string(path) {
            Ok(text) => Self::parse(&text)
                .map_err(|reason| LocalKeyError::Malformed { path: path.to_owned(), reason }),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                Err(LocalKeyError::Malformed { path: path.to_owned(), reason: "it is not text" })
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io("read", error)),
            Err(_) if data_exists => Err(LocalKeyError::Missing { path: path.to_owned() }),
            Err(_) => {
                let mut bytes = [0; KEY_LEN];
                runtime.fill_random(&mut bytes);
                let text = format!("{FIRST_LINE}\n{}\n", hex::encode(bytes));
                private_file::create(path, text.as_bytes()).map_err(|error| io("write", error))?;
                Ok(Self::from_bytes(bytes))
            }
        }
    }

    /// For tests, and for keys that come from elsewhere.
    pub fn from_bytes(bytes: [u8; KEY_LEN]) -> Self {
        let digest = digest::digest(&digest::SHA256, &bytes);
        let mut id = [0; KEY_ID_LEN];
        id.copy_from_slice(&digest.as_ref()[..KEY_ID_LEN]);
        Self { bytes, id }
    }

    fn parse(text: &str) -> Result<Self, &'static str> {
        let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
        if first.trim_end() != FIRST_LINE {
            return Err("its first line is another");
        }
        let mut bytes = [0; KEY_LEN];
        hex::decode_to_slice(rest.trim(), &mut bytes)
            .map_err(|_| "its second line is not 64 hexadecimal digits")?;
        Ok(Self::from_bytes(bytes))
    }

    /// 16 hexadecimal digits of a hash of the key.
    fn id(&self) -> String {
        hex::encode(self.id)
    }

    /// Encrypts a data key (AES-256-GCM): format level, key id, nonce and sealed key, 69 bytes.
    /// Only this key and the same `context` unwrap it.
    pub fn wrap(&self, data_key: &ClusterDataKey, context: &str, runtime: &Runtime) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        runtime.fill_random(&mut nonce);
        let mut wrapped = Vec::with_capacity(WRAPPED_LEN);
        wrapped.push(WRAPPED_LEVEL);
        wrapped.extend_from_slice(&self.id);
        let aad = Aad::from([wrapped.as_slice(), context.as_bytes()].concat());
        wrapped.extend_from_slice(&nonce);
        let mut sealed = data_key.0.to_vec();
        let key = self.cipher();
        let done =
            key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed);
        done.expect("48 bytes are within the limits of AES-GCM");
        wrapped.extend_from_slice(&sealed);
        wrapped
    }

    /// Decrypts what [`LocalKey::wrap`] returned.
    pub fn unwrap(&self, wrapped: &[u8], context: &str) -> Result<ClusterDataKey, LocalKeyError> {
        if wrapped.len() != WRAPPED_LEN {
            return Err(LocalKeyError::Unwrap("its length is not that of a wrapped key"));
        }
        let (head, rest) = wrapped.split_at(1 + KEY_ID_LEN);
        let (nonce, sealed) = rest.split_at(NONCE_LEN);
        if head[0] != WRAPPED_LEVEL {
            return Err(LocalKeyError::Unwrap("a newer release wrote it; start that release"));
        }
        if head[1..] != self.id {
            return Err(LocalKeyError::Unwrap(
                "it was wrapped with another key; put back the key file it was made with",
            ));
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce)
            .map_err(|_| LocalKeyError::Unwrap("its nonce is short"))?;
        let aad = Aad::from([head, context.as_bytes()].concat());
        let mut sealed = sealed.to_vec();
        let opened = self.cipher().open_in_place(nonce, aad, &mut sealed);
        let opened = opened
            .map_err(|_| LocalKeyError::Unwrap("it is damaged or belongs to another cluster"))?;
        let bytes = <[u8; KEY_LEN]>::try_from(&*opened).expect("the length was checked");
        Ok(ClusterDataKey(bytes))
    }

    fn cipher(&self) -> LessSafeKey {
        LessSafeKey::new(
            UnboundKey::new(&AES_256_GCM, &self.bytes).expect("32 bytes are an AES-256 key"),
        )
    }
}

impl fmt::Debug for LocalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalKey").field("id", &self.id()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrapped_key_opens_with_its_key_and_context_only() {
        let runtime = Runtime::system();
        let (key, data_key) = (LocalKey::from_bytes([7; 32]), ClusterDataKey::generate(&runtime));
        let wrapped = key.wrap(&data_key, "cluster-a", &runtime);
        assert_eq!(key.unwrap(&wrapped, "cluster-a").unwrap(), data_key);
        assert!(key.unwrap(&wrapped, "cluster-b").is_err());
        let other = LocalKey::from_bytes([8; 32]).unwrap(&wrapped, "cluster-a");
        assert!(other.unwrap_err().to_string().contains("another key"));
        for at in 0..wrapped.len() {
            let mut damaged = wrapped.clone();
            damaged[at] ^= 1;
            assert!(key.unwrap(&damaged, "cluster-a").is_err(), "byte {at}");
            assert!(key.unwrap(&wrapped[..at], "cluster-a").is_err(), "{at} bytes");
        }
    }

    #[test]
    fn the_key_file_is_made_once_and_never_beside_data() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        let runtime = Runtime::system();
        let missing = LocalKey::load_or_create(&path, true, &runtime).unwrap_err();
        assert!(matches!(missing, LocalKeyError::Missing { .. }), "{missing}");
        let made = LocalKey::load_or_create(&path, false, &runtime).unwrap();
        let again = LocalKey::load_or_create(&path, true, &runtime).unwrap();
        assert_eq!(made.bytes, again.bytes);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        fs::write(&path, "milena local key 1\nabc\n").unwrap();
        let damaged = LocalKey::load_or_create(&path, true, &runtime).unwrap_err();
        assert!(matches!(damaged, LocalKeyError::Malformed { .. }), "{damaged}");
    }
}
