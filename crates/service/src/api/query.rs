//! Query parameters, and the pages of lists.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;

use crate::error::ApiError;

/// Items on a page at most, and where `maxResults` is absent.
const PAGE_MAX: usize = 100;

/// The decoded query of a request.
pub(super) struct Query(Vec<(String, String)>);

impl Query {
    pub(super) fn parse(raw: &str) -> Result<Self, ApiError> {
        let decode = |text: &str| {
            let decoded = percent_decode_str(text).decode_utf8().map(|text| text.into_owned());
            decoded.map_err(|_| ApiError::bad_request("the query is not UTF-8 when decoded"))
        };
        let pairs = raw.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let pairs = pairs.map(|(name, value)| Ok((decode(name)?, decode(value)?)));
        pairs.collect::<Result<_, ApiError>>().map(Self)
    }

    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub(super) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The page of a list that is always empty: what asks for it is checked all the same.
    pub(super) fn empty_page<T>(&self) -> Result<Vec<T>, ApiError> {
        Ok(self.page("none", Vec::new(), |_| String::new())?.0)
    }

    /// The page of `items`, which are sorted by `key`, that `maxResults` and `nextToken` ask for,
    /// and the token of the next page. `list` names the list and its filters: a token is valid for
    /// its own list only.
    pub(super) fn page<T>(
        &self,
        list: &str,
        items: Vec<T>,
        key: impl Fn(&T) -> String,
    ) -> Result<(Vec<T>, Option<String>), ApiError> {
        let size = match self.value("maxResults") {
            None => PAGE_MAX,
            Some(text) => match text.parse() {
                Ok(size @ 1..=PAGE_MAX) => size,
                _ => {
                    let message = format!("maxResults must be 1 to {PAGE_MAX}, but is '{text}'");
                    return Err(ApiError::invalid("maxResults", message));
                }
            },
        };
        let after = self.value("nextToken").map(|token| read_token(list, token)).transpose()?;
        let mut rest = items
            .into_iter()
            .skip_while(|item| after.as_ref().is_some_and(|after| key(item) <= *after));
        let page: Vec<T> = rest.by_ref().take(size).collect();
        let token = match (rest.next(), page.last()) {
            (Some(_), Some(last)) => Some(token(list, &key(last))),
            _ => None,
        };
        Ok((page, token))
    }
}

/// An opaque token: the last key of a page, behind a check that binds it to its list.
fn token(list: &str, after: &str) -> String {
    let check = fnv1a(&[list, after]).to_be_bytes();
    URL_SAFE_NO_PAD.encode([&check, after.as_bytes()].concat())
}

fn read_token(list: &str, token: &str) -> Result<String, ApiError> {
    let unknown = || {
        let message = "nextToken is not one that this list gave; begin again without it";
        ApiError::invalid("nextToken", message)
    };
    let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| unknown())?;
    let (check, after) = bytes.split_first_chunk::<8>().ok_or_else(unknown)?;
    let after = std::str::from_utf8(after).map_err(|_| unknown())?;
    if u64::from_be_bytes(*check) == fnv1a(&[list, after]) {
        Ok(after.to_owned())
    } else {
        Err(unknown())
    }
}

/// FNV-1a: the check is against mistakes, since a token gives access to nothing.
fn fnv1a(parts: &[&str]) -> u64 {
    let bytes = parts.iter().flat_map(|part| part.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|number| format!("n{number:04}")).collect()
    }

    #[test]
    fn pages_follow_each_other_to_the_end() {
        let (mut seen, mut raw) = (Vec::new(), "maxResults=7".to_owned());
        loop {
            let query = Query::parse(&raw).unwrap();
            let (page, next) = query.page("list", names(30), String::clone).unwrap();
            seen.extend(page);
            let Some(next) = next else { break };
            raw = format!("maxResults=7&nextToken={next}");
        }
        assert_eq!(seen, names(30));
    }

    #[test]
    fn a_page_that_ends_the_list_has_no_token() {
        let query = Query::parse("maxResults=5").unwrap();
        let (page, next) = query.page("list", names(5), String::clone).unwrap();
        assert_eq!((page.len(), next), (5, None));
        let (page, next) =
            Query::parse("").unwrap().page("list", names(101), String::clone).unwrap();
        assert_eq!((page.len(), next.is_some()), (100, true));
    }

    #[test]
    fn wrong_sizes_and_foreign_tokens_are_refused() {
        let other = token("other list", "n0003");
        for raw in [
            "maxResults=0",
            "maxResults=101",
            "maxResults=x",
            "nextToken=",
            "nextToken=abc",
            &format!("nextToken={other}"),
        ] {
            let outcome = Query::parse(raw).unwrap().page("list", names(3), String::clone);
            assert!(matches!(outcome, Err(ApiError::BadRequest { .. })), "{raw}");
        }
    }

    #[test]
    fn repeated_and_encoded_values_are_all_seen() {
        let query = Query::parse("tagKeys=a%20b&x&tagKeys=c%2Bd+e&").unwrap();
        assert_eq!(query.values("tagKeys").collect::<Vec<_>>(), ["a b", "c+d+e"]);
        assert_eq!(query.value("x"), Some(""));
        assert!(Query::parse("a=%ff").is_err());
    }
}
