//! Java properties files, the form of a configuration's `serverProperties`.
//!
//! Source: the format that `java.util.Properties` documents: `name=value`, `name: value` or `name
//! value`, comments from `#` or `!`, lines continued by a backslash, and backslash escapes.

use std::{collections::BTreeMap, iter::Peekable, str::Chars};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PropertiesError {
    #[error("it is not UTF-8 text")]
    NotText,
    #[error("line {line}: a \\u must be followed by four hexadecimal digits")]
    BadEscape { line: usize },
    #[error("line {line} has a value but no name before it")]
    NoName { line: usize },
}

/// Parses a file. The last value of a property counts; white space around a value is removed.
pub(crate) fn parse(bytes: &[u8]) -> Result<BTreeMap<String, String>, PropertiesError> {
    let text = std::str::from_utf8(bytes).map_err(|_| PropertiesError::NotText)?;
    let mut properties = BTreeMap::new();
    for (line, text) in logical_lines(text) {
        let mut rest = text.chars().peekable();
        let name = unescape(&mut rest, line, |c| matches!(c, '=' | ':') || is_space(c))?;
        skip_spaces(&mut rest);
        if rest.next_if(|c| matches!(c, '=' | ':')).is_some() {
            skip_spaces(&mut rest);
        }
        let value = unescape(&mut rest, line, |_| false)?;
        if name.is_empty() {
            return Err(PropertiesError::NoName { line });
        }
        properties.insert(name, value.trim().to_owned());
    }
    Ok(properties)
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\x0c')
}

fn skip_spaces(rest: &mut Peekable<Chars<'_>>) {
    while rest.next_if(|c| is_space(*c)).is_some() {}
}

/// The lines without comments and empty ones, continued ones joined, each with the number of its
/// first line, from 1.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut continued = false;
    for (index, line) in text.split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line).trim_start_matches(is_space);
        if !continued && (line.is_empty() || line.starts_with(['#', '!'])) {
            continue;
        }
        // An even number of backslashes at the end are escaped ones.
        let escapes = line.chars().rev().take_while(|c| *c == '\\').count();
        let goes_on = escapes % 2 == 1;
        let part = if goes_on { &line[..line.len() - 1] } else { line };
        match lines.last_mut() {
            Some((_, whole)) if continued => whole.push_str(part),
            _ => lines.push((index + 1, part.to_owned())),
        }
        continued = goes_on;
    }
    lines
}

/// Takes the characters up to the first unescaped `end`, and resolves escapes.
fn unescape(
    rest: &mut Peekable<Chars<'_>>,
    line: usize,
    end: impl Fn(char) -> bool,
) -> Result<String, PropertiesError> {
    let mut text = String::new();
    while let Some(c) = rest.next_if(|c| !end(*c)) {
        if c != '\\' {
            text.push(c);
            continue;
        }
        match rest.next() {
            Some('n') => text.push('\n'),
            Some('r') => text.push('\r'),
            Some('t') => text.push('\t'),
            Some('f') => text.push('\x0c'),
            Some('u') => {
                let digits: String = rest.by_ref().take(4).collect();
                let hexadecimal =
                    digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_hexdigit());
                let code = u32::from_str_radix(&digits, 16).ok().filter(|_| hexadecimal);
                let character =
                    code.and_then(char::from_u32).ok_or(PropertiesError::BadEscape { line })?;
                text.push(character);
            }
            Some(other) => text.push(other),
            None => {}
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Vec<(String, String)> {
        parse(text.as_bytes()).unwrap().into_iter().collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn every_form_of_a_line_is_read() {
        let text = "# a comment\n! another = one\n\n a = 1 \r\nb:2\nc 3\nd\n\
                    e\\ f\\=g = \\u0041\\tz\nlist = x,\\\n  y\\\\\nb=4";
        let expected =
            [("a", "1"), ("b", "4"), ("c", "3"), ("d", ""), ("e f=g", "A\tz"), ("list", "x,y\\")];
        assert_eq!(parsed(text), pairs(&expected));
        assert_eq!(parsed(""), pairs(&[]));
        assert_eq!(parsed("a=1\\"), pairs(&[("a", "1")]));
        assert_eq!(parsed("url=http://x:1/?a=b"), pairs(&[("url", "http://x:1/?a=b")]));
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_line() {
        assert_eq!(parse(&[0xff]), Err(PropertiesError::NotText));
        assert_eq!(parse(b"a=1\nb=\\u12"), Err(PropertiesError::BadEscape { line: 2 }));
        assert_eq!(parse(b"a=\\u+123"), Err(PropertiesError::BadEscape { line: 1 }));
        assert_eq!(parse(b"\n= 5"), Err(PropertiesError::NoName { line: 2 }));
    }
}
