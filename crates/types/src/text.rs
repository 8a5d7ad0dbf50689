//! Texts about what somebody else sent.

/// How much of a long text stays at its beginning and at its end.
const HEAD: usize = 300;
const TAIL: usize = 200;

/// An error's text without most of what it repeats of a long input: the beginning and the end, which
/// say what is wrong and what to do.
#[must_use]
pub fn shortened(text: String) -> String {
    if text.len() <= HEAD + TAIL {
        return text;
    }
    let is_boundary = |at: &usize| text.is_char_boundary(*at);
    let head = (0..=HEAD).rev().find(is_boundary).unwrap_or(0);
    let tail = (text.len() - TAIL..text.len()).find(is_boundary).unwrap_or(text.len());
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
}
