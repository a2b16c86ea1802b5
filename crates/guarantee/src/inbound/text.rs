//! Text as a ticket keeps it.

use mail_parser::decoders::html::html_to_text;

/// Said where a text was cut.
const CUT: &str = "\n[…]";

/// Ends of what stands on lines of its own in HTML; the converter knows only
/// `br` and `p`.
const BLOCKS: [&str; 10] = [
    "</div>",
    "</li>",
    "</tr>",
    "</h1>",
    "</h2>",
    "</h3>",
    "</h4>",
    "</blockquote>",
    "</pre>",
    "</table>",
];

/// One line of at most so many bytes, without control characters.
pub(super) fn line(text: &str, most: usize) -> String {
    let plain = text.chars().map(|c| if unwanted(c) { ' ' } else { c });
    let plain: String = plain.collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    cut(&words.join(" "), most).to_owned()
}

/// Lines of at most so many bytes together; what is cut says so.
pub(super) fn lines(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most));
    let text = text.replace("\r\n", "\n");
    for c in text.trim().chars() {
        let c = match c {
            '\n' | '\r' => '\n',
            c if unwanted(c) => ' ',
            c => c,
        };
        if out.len() + c.len_utf8() > most {
            let kept = cut(&out, most.saturating_sub(CUT.len())).len();
            out.truncate(kept);
            out.push_str(CUT);
            break;
        }
        out.push(c);
    }
    out.trim_end().to_owned()
}

/// HTML as text: no tags, scripts, styles or comments, one line for each block.
pub(super) fn from_html(html: &str) -> String {
    let mut marked = html.to_owned();
    for block in BLOCKS {
        marked = marked.replace(block, "<br>");
        marked = marked.replace(&block.to_ascii_uppercase(), "<br>");
    }
    html_to_text(&marked)
}

/// Control characters, and marks that turn the direction of reading, so that a
/// text looks like another one.
fn unwanted(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

fn cut(text: &str, most: usize) -> &str {
    let mut end = most.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
