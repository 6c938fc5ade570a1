//! Names, titles and chat texts that people type.

use plenum_protocol::limits::{MAX_CHAT_CHARS, MAX_NAME_CHARS, MAX_TITLE_CHARS};

/// A person's name: trimmed, 1 to 64 characters, nothing that hides or turns around what stands beside it.
pub fn name(text: &str) -> Option<String> {
    label(text, MAX_NAME_CHARS)
}

/// A room's title: like a name, 1 to 120 characters.
pub fn title(text: &str) -> Option<String> {
    label(text, MAX_TITLE_CHARS)
}

/// A chat message: trimmed at its end, 1 to 4,000 characters, line feeds and tabs allowed.
pub fn chat(text: &str) -> Option<String> {
    let text = text.replace("\r\n", "\n");
    let text = text.trim_end();
    let fits = text.chars().count() <= MAX_CHAT_CHARS;
    let clean = text.chars().all(|c| c == '\n' || c == '\t' || !c.is_control());
    (fits && clean && text.chars().any(is_visible)).then(|| text.to_owned())
}

fn label(text: &str, max_chars: usize) -> Option<String> {
    let text = text.trim();
    let fits = text.chars().count() <= max_chars;
    let clean = !text.chars().any(|c| c.is_control() || reorders(c) || breaks_lines(c));
    (fits && clean && text.chars().any(is_visible)).then(|| text.to_owned())
}

/// Explicit directional formatting characters (Unicode UAX #9, section 2): they could turn a name into
/// another one on the screen.
fn reorders(c: char) -> bool {
    matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}')
}

fn breaks_lines(c: char) -> bool {
    matches!(c, '\u{2028}' | '\u{2029}')
}

/// Spaces, zero-width and filler characters alone make no name.
fn is_visible(c: char) -> bool {
    let invisible = matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    );
    !invisible && !c.is_whitespace() && !c.is_control()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(name("  Anna Schmidt "), Some("Anna Schmidt".to_owned()));
        assert_eq!(name("محمد"), Some("محمد".to_owned()));
        assert_eq!(name("👩‍🔬"), Some("👩‍🔬".to_owned()));
        assert_eq!(name(&"ä".repeat(64)), Some("ä".repeat(64)));
        for bad in ["", "   ", "\u{200b}\u{2800}", "a\nb", "a\u{0}", "a\u{202e}b", "a\u{2067}b", "a\u{2028}b"]
        {
            assert_eq!(name(bad), None, "{bad:?}");
        }
        assert_eq!(name(&"ä".repeat(65)), None);
    }

    #[test]
    fn chat_texts() {
        assert_eq!(chat("one\r\n\ttwo \n"), Some("one\n\ttwo".to_owned()));
        assert_eq!(chat(" \n "), None);
        assert_eq!(chat("bell\u{7}"), None);
        assert_eq!(chat(&"x".repeat(4_000)).map(|text| text.len()), Some(4_000));
        assert_eq!(chat(&"x".repeat(4_001)), None);
    }

    #[test]
    fn titles() {
        assert_eq!(title(" Team meeting\u{20}"), Some("Team meeting".to_owned()));
        assert_eq!(title(&"x".repeat(121)), None);
    }
}
