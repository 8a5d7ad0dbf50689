//! Encryption at rest: AES-256-GCM frames, with a key per object.
//!
//! A cluster has data keys; each object (a segment, a write-ahead chunk) has a key derived from one
//! of them by HKDF-SHA256 over the object's id and a random salt that its header carries. What a
//! frame is sealed with:
//! - key: HKDF(salt = the object's salt, secret = data key, info = a label and the object's id), so
//!   the same object id written twice with other bytes never meets the same key, and no nonce is
//!   ever used twice;
//! - nonce: the frame's index in its object, zero-padded to 96 bits;
//! - authenticated data: SHA-256 of the object's id, the frame's index and the format level, so a
//!   frame moved to another place or another object does not open.
//!
//! Not here: where data keys come from, are wrapped and rotated. That is key management.

use std::{fmt, sync::Arc};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    digest, hkdf,
};

use milena_runtime::Runtime;

use crate::{format_level::FormatLevel, objects::object_id::ObjectId};

/// The length of a frame's authentication tag: what sealing adds to a frame.
pub const TAG_BYTES: usize = 16;

const KEY_BYTES: usize = 32;
const AAD_BYTES: usize = 32 + 4 + 2;
const DERIVE_LABEL: &[u8] = b"milena object key\0";

/// Why bytes at rest could not be opened.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
#[expect(missing_docs, reason = "the messages name the fields")]
pub enum EncryptionError {
    /// The header names a key that this process does not have.
    #[error(
        "no data key {0} here: start with the key file (or key service) the data was written under"
    )]
    UnknownKey(KeyId),
    /// The bytes, their place or the key differ from what was sealed.
    #[error(
        "frame {frame} does not authenticate: its bytes were changed, or belong to another object \
         or key"
    )]
    NotAuthentic { frame: u32 },
}

/// The number of a data key within its cluster; headers name it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct KeyId(pub u32);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// 16 random bytes in an object's header, so that no two writes of the same object id have the same
/// key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Salt(pub [u8; 16]);

impl Salt {
    pub(crate) fn random(runtime: &Runtime) -> Self {
        let mut salt = Self([0; 16]);
        runtime.fill_random(&mut salt.0);
        salt
    }
}

/// A 256-bit data key of a cluster. Cheap to clone; wiped when the last clone is dropped; never
/// printed.
#[derive(Clone)]
pub struct DataKey {
    id: KeyId,
    secret: Arc<Secret>,
}

struct Secret([u8; KEY_BYTES]);

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.fill(0);
        std::hint::black_box(&self.0); // Keeps the wipe from being optimised away.
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataKey({})", self.id)
    }
}

impl DataKey {
    /// The key with this id.
    pub fn new(id: KeyId, secret: [u8; KEY_BYTES]) -> Self {
        Self { id, secret: Arc::new(Secret(secret)) }
    }

    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The cipher of one object's frames.
    pub fn object_cipher(&self, object: &ObjectId, salt: Salt, level: FormatLevel) -> ObjectCipher {
        let mut secret = Secret([0; KEY_BYTES]);
        hkdf::Salt::new(hkdf::HKDF_SHA256, &salt.0)
            .extract(&self.secret.0)
            .expand(&[DERIVE_LABEL, object.as_str().as_bytes()], hkdf::HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut secret.0))
            .expect("HKDF-SHA256 gives 32 bytes");
        let key = UnboundKey::new(&AES_256_GCM, &secret.0).expect("AES-256 takes 32 bytes");
        let mut place = [0; AAD_BYTES];
        place[..32]
            .copy_from_slice(digest::digest(&digest::SHA256, object.as_str().as_bytes()).as_ref());
        place[36..].copy_from_slice(&level.0.to_be_bytes());
        ObjectCipher { key: LessSafeKey::new(key), place }
    }
}

/// The data keys of a process: the one that encrypts new objects, and those that older objects
/// name.
#[derive(Clone, Debug)]
pub struct KeyRing {
    current: DataKey,
    older: Arc<[DataKey]>,
}

impl KeyRing {
    /// A ring that encrypts with `current` and decrypts with any of them.
    pub fn new(current: DataKey, older: impl Into<Arc<[DataKey]>>) -> Self {
        Self { current, older: older.into() }
    }

    /// The key that encrypts new objects.
    pub fn current(&self) -> &DataKey {
        &self.current
    }

    /// The key with this id.
    ///
    /// # Errors
    /// [`EncryptionError::UnknownKey`].
    pub fn find(&self, id: KeyId) -> Result<&DataKey, EncryptionError> {
        std::iter::once(&self.current)
            .chain(self.older.iter())
            .find(|key| key.id == id)
            .ok_or(EncryptionError::UnknownKey(id))
    }
}

/// Seals and opens the frames of one object.
pub struct ObjectCipher {
    key: LessSafeKey,
    /// The authenticated data, apart from the frame's index (bytes 32..36).
    place: [u8; AAD_BYTES],
}

impl fmt::Debug for ObjectCipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ObjectCipher")
    }
}

impl ObjectCipher {
    fn nonce_and_aad(&self, frame: u32) -> (Nonce, Aad<[u8; AAD_BYTES]>) {
        let mut nonce = [0; 12];
        nonce[8..].copy_from_slice(&frame.to_be_bytes());
        let mut aad = self.place;
        aad[32..36].copy_from_slice(&frame.to_be_bytes());
        (Nonce::assume_unique_for_key(nonce), Aad::from(aad))
    }

    /// Seals `plaintext` as frame number `frame` into `sealed`, which must be [`TAG_BYTES`] longer.
    /// A frame number is used once in the life of an object.
    pub fn seal_into(&self, frame: u32, plaintext: &[u8], sealed: &mut [u8]) {
        assert_eq!(sealed.len(), plaintext.len() + TAG_BYTES, "a sealed frame is a tag longer");
        let (nonce, aad) = self.nonce_and_aad(frame);
        let (ciphertext, tag) = sealed.split_at_mut(plaintext.len());
        self.key
            .seal_out_of_place_scatter(nonce, aad, plaintext, ciphertext, &[], tag)
            .expect("AES-GCM seals any frame below 64 GiB");
    }

    /// Opens frame number `frame` into `plaintext`, which must be [`TAG_BYTES`] shorter than
    /// `sealed`.
    ///
    /// # Errors
    /// [`EncryptionError::NotAuthentic`]; `plaintext` then holds nothing of use.
    pub fn open_into(
        &self,
        frame: u32,
        sealed: &[u8],
        plaintext: &mut [u8],
    ) -> Result<(), EncryptionError> {
        let not_authentic = EncryptionError::NotAuthentic { frame };
        if sealed.len() != plaintext.len() + TAG_BYTES {
            return Err(not_authentic);
        }
        let (nonce, aad) = self.nonce_and_aad(frame);
        let (ciphertext, tag) = sealed.split_at(plaintext.len());
        let opened = self.key.open_separate_gather(nonce, aad, ciphertext, tag, plaintext);
        opened.map_err(|_| not_authentic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SALT: Salt = Salt([3; 16]);
    const LEVEL: FormatLevel = FormatLevel(1);

    fn key(byte: u8) -> DataKey {
        DataKey::new(KeyId(u32::from(byte)), [byte; 32])
    }

    fn seal(cipher: &ObjectCipher, frame: u32, plaintext: &[u8]) -> Vec<u8> {
        let mut sealed = vec![0; plaintext.len() + TAG_BYTES];
        cipher.seal_into(frame, plaintext, &mut sealed);
        sealed
    }

    fn opens(cipher: &ObjectCipher, frame: u32, sealed: &[u8]) -> bool {
        let mut plaintext = vec![0; sealed.len() - TAG_BYTES];
        cipher.open_into(frame, sealed, &mut plaintext).is_ok() && plaintext == b"records"
    }

    #[test]
    fn a_frame_opens_only_in_its_own_place_under_its_own_key() {
        let object = ObjectId::new("c/seg/1");
        let cipher = key(1).object_cipher(&object, SALT, LEVEL);
        let sealed = seal(&cipher, 7, b"records");
        assert!(opens(&key(1).object_cipher(&object, SALT, LEVEL), 7, &sealed));
        assert!(!opens(&cipher, 8, &sealed), "another index");
        assert!(!opens(&key(1).object_cipher(&ObjectId::new("c/seg/2"), SALT, LEVEL), 7, &sealed));
        assert!(
            !opens(&key(1).object_cipher(&object, Salt([4; 16]), LEVEL), 7, &sealed),
            "another salt"
        );
        assert!(
            !opens(&key(1).object_cipher(&object, SALT, FormatLevel(2)), 7, &sealed),
            "another level"
        );
        assert!(
            !opens(&key(2).object_cipher(&object, SALT, LEVEL), 7, &sealed),
            "another data key"
        );
    }

    #[test]
    fn any_flipped_bit_is_noticed() {
        let cipher = key(1).object_cipher(&ObjectId::new("o"), SALT, LEVEL);
        let sealed = seal(&cipher, 0, b"records");
        for bit in 0..sealed.len() * 8 {
            let mut bent = sealed.clone();
            bent[bit / 8] ^= 1 << (bit % 8);
            assert!(!opens(&cipher, 0, &bent), "bit {bit}");
        }
    }

    #[test]
    fn a_ring_finds_the_key_a_header_names() {
        let ring = KeyRing::new(key(2), vec![key(1)]);
        assert_eq!(ring.current().id(), KeyId(2));
        assert_eq!(ring.find(KeyId(1)).map(DataKey::id), Ok(KeyId(1)));
        assert_eq!(
            ring.find(KeyId(9)).map(DataKey::id),
            Err(EncryptionError::UnknownKey(KeyId(9)))
        );
    }

    #[test]
    fn debug_output_shows_no_key_bytes() {
        assert_eq!(format!("{:?}", key(1)), "DataKey(1)");
    }
}
