//! Texts about what somebody else sent.

/// What a text of one mistake may have.
const BYTES_MAX: usize = 500;

/// An error's text without most of what it repeats of a long input: the beginning and the end, which
/// say what is wrong and what to do.
#[must_use]
pub fn shortened(text: String) -> String {
    shortened_to(text, BYTES_MAX)
}

/// The same for a text of several mistakes: at most `bytes_max`, and a note of what is left out.
#[must_use]
pub fn shortened_to(text: String, bytes_max: usize) -> String {
    if text.len() <= bytes_max {
        return text;
    }
    let (head, tail) = (bytes_max - bytes_max * 2 / 5, bytes_max * 2 / 5);
    let is_boundary = |at: &usize| text.is_char_boundary(*at);
    let head = (0..=head).rev().find(is_boundary).unwrap_or(0);
    let tail = (text.len() - tail..text.len()).find(is_boundary).unwrap_or(text.len());
    format!("{}… ({} bytes left out) …{}", &text[..head], tail - head, &text[tail..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_keeps_what_is_wrong_and_what_to_do() {
        let short = "topic 't' exists: choose another name".to_owned();
        assert_eq!(shortened(short.clone()), short);
        for filler in ["x", "ä", "𝄞"] {
            let long = format!("topic '{}' exists: choose another name", filler.repeat(70_000));
            let shown = shortened(long);
            assert!(shown.len() < 600, "{}", shown.len());
            assert!(shown.starts_with("topic '") && shown.ends_with("choose another name"));
        }
    }

    #[test]
    fn a_longer_text_may_have_more() {
        let long = "0123456789".repeat(100);
        assert_eq!(shortened_to(long.clone(), 1000), long);
        let shown = shortened_to(long, 100);
        assert!(shown.starts_with(&"0123456789".repeat(6)) && shown.len() < 150, "{shown}");
        assert!(shown.ends_with(&"0123456789".repeat(4)), "{shown}");
    }
}
