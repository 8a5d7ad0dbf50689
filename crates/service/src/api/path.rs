//! Path templates, such as `/v1/clusters/{clusterArn}/nodes`, and the parameters of a path.
//!
//! A template is held against the raw path: segments are split at literal slashes first and decoded
//! then, so that an ARN, percent-encoded as AWS clients send it, is one segment.

use percent_encoding::percent_decode_str;

use crate::error::ApiError;

/// The decoded parameters of a path by their names in the template.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PathParameters(Vec<(&'static str, String)>);

impl PathParameters {
    /// Fails where the template has no parameter of that name, which a test of the operations
    /// excludes.
    pub(super) fn text(&self, name: &str) -> Result<&str, ApiError> {
        self.find(name).ok_or_else(|| {
            ApiError::Internal(format!("the path of this operation has no parameter {name}"))
        })
    }

    pub(super) fn find(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| *known == name);
        found.map(|(_, text)| text.as_str())
    }
}

/// The parameters of a raw path, still encoded, if it fits the template. None is empty.
pub(super) fn match_template<'a>(
    template: &'static str,
    raw_path: &'a str,
) -> Option<Vec<(&'static str, &'a str)>> {
    let mut parameters = Vec::new();
    let (mut wanted, mut given) = (template.split('/'), raw_path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return Some(parameters),
            (Some(wanted), Some(given)) => match parameter_name(wanted) {
                Some(name) if !given.is_empty() => parameters.push((name, given)),
                None if wanted == given => {}
                _ => return None,
            },
            _ => return None,
        }
    }
}

fn parameter_name(segment: &'static str) -> Option<&'static str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// Decodes what [`match_template`] found.
pub(super) fn decode(raw: Vec<(&'static str, &str)>) -> Result<PathParameters, ApiError> {
    let decode = |(name, text): (&'static str, &str)| {
        let decoded = percent_decode_str(text).decode_utf8();
        let decoded =
            decoded.map_err(|_| ApiError::bad_request("the path is not UTF-8 when decoded"))?;
        Ok((name, decoded.into_owned()))
    };
    raw.into_iter().map(decode).collect::<Result<_, ApiError>>().map(PathParameters)
}
