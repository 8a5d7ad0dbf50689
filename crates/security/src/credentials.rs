//! The access keys that the API accepts, in a file of the format that AWS tools read
//! (`AWS_SHARED_CREDENTIALS_FILE`): sections of `aws_access_key_id` and `aws_secret_access_key`.
//!
//! The first start writes the file with one random key under `[default]`. Each section that is
//! added by hand has one more key.

use std::{fmt, fs, io, path::Path, path::PathBuf};

use milena_runtime::Runtime;

use crate::private_file;

/// A credentials file that could not be read, written or parsed.
#[derive(Debug, thiserror::Error)]
pub enum CredentialsError {
    #[error("cannot {verb} the credentials file {}: {source}", path.display())]
    Io { verb: &'static str, path: PathBuf, source: io::Error },
    #[error(
        "{}, line {line}: {reason}; write '[default]', then aws_access_key_id = … and \
         aws_secret_access_key = …, or remove the file to have a new one made",
        path.display()
    )]
    Malformed {
        path: PathBuf,
        /// From 1.
        line: usize,
        reason: &'static str,
    },
}

/// An access key and its secret, which `Debug` does not show.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessKey {
    /// As in `AWS_ACCESS_KEY_ID`.
    pub id: String,
    secret: String,
}

impl AccessKey {
    /// A key and its secret.
    pub fn new(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { id: id.into(), secret: secret.into() }
    }

    /// A random key: an id in AWS's form for long-term keys, and a secret of 240 random bits.
    pub fn generate(runtime: &Runtime) -> Self {
        const ID: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        const SECRET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut random = [0; 56];
        runtime.fill_random(&mut random);
        let id: String = random[..16].iter().map(|b| char::from(ID[usize::from(b & 31)])).collect();
        let secret: String =
            random[16..].iter().map(|b| char::from(SECRET[usize::from(b & 63)])).collect();
        Self { id: format!("AKIA{id}"), secret }
    }

    /// As in `AWS_SECRET_ACCESS_KEY`.
    pub fn secret(&self) -> &str {
        &self.secret
    }
}

impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The access keys of a credentials file, by section.
#[derive(Clone, Debug)]
pub struct Credentials {
    keys: Vec<(String, AccessKey)>,
}

impl Credentials {
    /// Credentials of one key, in the section `default`.
    pub fn of(key: AccessKey) -> Self {
        Self { keys: vec![("default".to_owned(), key)] }
    }

    /// Reads the file. Where there is none, writes one with a random key (mode 0600).
    pub fn load_or_create(path: &Path, runtime: &Runtime) -> Result<Self, CredentialsError> {
        match Self::load(path) {
            Err(CredentialsError::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound => {}
            loaded => return loaded,
        }
        let key = AccessKey::generate(runtime);
        let text = format!(
            "[default]\naws_access_key_id = {}\naws_secret_access_key = {}\n",
            key.id, key.secret
        );
        private_file::create(path, text.as_bytes()).map_err(|source| CredentialsError::Io {
            verb: "write",
            path: path.to_owned(),
            source,
        })?;
        Ok(Self::of(key))
    }

    /// Reads the file.
    pub fn load(path: &Path) -> Result<Self, CredentialsError> {
        let read = fs::read_to_string(path);
        let text = read.map_err(|source| CredentialsError::Io {
            verb: "read",
            path: path.to_owned(),
            source,
        })?;
        parse(&text).map_err(|(line, reason)| CredentialsError::Malformed {
            path: path.to_owned(),
            line,
            reason,
        })
    }

    fn profile(&self, name: &str) -> Option<&AccessKey> {
        self.keys.iter().find(|(section, _)| section == name).map(|(_, key)| key)
    }

    /// The key to sign with: that of `[default]`, or else the first.
    pub fn default_key(&self) -> &AccessKey {
        self.profile("default").unwrap_or(&self.keys[0].1)
    }

    /// By its id.
    pub(crate) fn find(&self, access_key_id: &str) -> Option<&AccessKey> {
        self.keys.iter().map(|(_, key)| key).find(|key| key.id == access_key_id)
    }
}

struct Section {
    name: String,
    line: usize,
    id: Option<String>,
    secret: Option<String>,
}

/// At least one key, or the line (from 1) and its error.
fn parse(text: &str) -> Result<Credentials, (usize, &'static str)> {
    let mut sections: Vec<Section> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let (number, line) = (index + 1, line.trim());
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[') {
            let name = name.strip_suffix(']').ok_or((number, "a section's name ends with ']'"))?;
            let name = name.trim().to_owned();
            sections.push(Section { name, line: number, id: None, secret: None });
            continue;
        }
        let (name, value) =
            line.split_once('=').ok_or((number, "neither '[section]' nor 'name = value'"))?;
        let section =
            sections.last_mut().ok_or((number, "a value before the first '[section]'"))?;
        let value = value.trim().to_owned();
        match name.trim() {
            "aws_access_key_id" => section.id = Some(value),
            "aws_secret_access_key" => section.secret = Some(value),
            _ => {}
        }
    }
    let mut keys = Vec::new();
    for Section { name, line, id, secret } in sections {
        match (id, secret) {
            (Some(id), Some(secret)) if !id.is_empty() && !secret.is_empty() => {
                keys.push((name, AccessKey { id, secret }));
            }
            _ => return Err((line, "this section lacks its access key or its secret")),
        }
    }
    if keys.is_empty() { Err((1, "there is no access key")) } else { Ok(Credentials { keys }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_there_is_read_and_nothing_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("credentials");
        let made = Credentials::load_or_create(&path, &Runtime::system()).unwrap();
        // No draft can be made, as on a full disk.
        fs::create_dir(dir.path().join("credentials.new")).unwrap();
        let again = Credentials::load_or_create(&path, &Runtime::system()).unwrap();
        assert_eq!(made.default_key(), again.default_key());
    }

    #[test]
    fn made_once_private_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("credentials");
        let runtime = Runtime::system();
        let made = Credentials::load_or_create(&path, &runtime).unwrap();
        let again = Credentials::load_or_create(&path, &runtime).unwrap();
        assert_eq!(made.default_key(), again.default_key());
        assert_eq!(made.default_key().id.len(), 20);
        assert_eq!(made.default_key().secret().len(), 40);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn every_section_holds_a_key() {
        let text = "# mine\n\
                    [default]\naws_access_key_id=A1\naws_secret_access_key = s1\nregion = x\n\n\
                    [ ci ]\n\
                    aws_access_key_id = A2\naws_secret_access_key = s2=+/\n";
        let credentials = parse(text).unwrap();
        assert_eq!(credentials.default_key().id, "A1");
        assert_eq!(credentials.profile("ci").unwrap().secret(), "s2=+/");
        assert_eq!(credentials.find("A2").unwrap().secret(), "s2=+/");
        assert!(credentials.find("A3").is_none());
    }

    #[test]
    fn a_broken_file_is_named_with_its_line() {
        for (text, line) in [
            ("", 1),
            ("a = b\n", 1),
            ("[x\n", 1),
            ("[x]\nwhat\n", 2),
            ("[x]\naws_access_key_id=a\n", 1),
        ] {
            assert_eq!(parse(text).unwrap_err().0, line, "{text:?}");
        }
    }

    #[test]
    fn the_secret_is_not_shown() {
        let key = AccessKey::new("AKIDEXAMPLE", "verysecret");
        assert!(!format!("{:?}", Credentials::of(key)).contains("verysecret"));
    }
}
