//! Text of people in pages and mails.

/// Text that can stand in HTML, in an element or in a quoted attribute, whatever
/// is in it. Control characters become spaces, but for the ends of lines.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c if c.is_control() && c != '\n' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn nothing_of_it_is_markup() {
        let text = "<a href=\"x\">'&'\u{0}\n";
        let expected = "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39; \n";
        assert_eq!(escape(text), expected);
    }
}
