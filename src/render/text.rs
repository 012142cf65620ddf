//! Text that comes from a catalog, made fit for pictures: names may hold anything.

/// The text without what cannot be shown: control characters, and those that turn the direction of what follows.
pub(crate) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' => '\u{fffd}',
            // XML has neither of these (XML 1.0, section 2.2), nor most control characters.
            '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// Cleaned, and escaped for the text and the attributes of XML and of Graphviz's HTML-like labels.
pub(crate) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

/// At most so many characters.
pub(crate) fn shortened(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let start: String = text.chars().take(limit.saturating_sub(1)).collect();
    format!("{start}…")
}

/// A type as a picture has room for: of a long list of labels, the first.
pub(super) fn short_type(data_type: &str) -> String {
    const LIMIT: usize = 24;
    if data_type.chars().count() <= LIMIT {
        return data_type.to_owned();
    }
    let first_label = data_type
        .split_once("',")
        .filter(|(first, _)| first.contains('(') && first.chars().count() < LIMIT);
    match first_label {
        Some((first, _)) => format!("{first}',…)"),
        None => shortened(data_type, LIMIT),
    }
}

/// How wide the text is in a font of equally wide characters, measured in those.
pub(crate) fn cells(text: &str) -> f64 {
    text.chars()
        .map(|c| match c {
            // Scripts whose characters are as wide as high, and pictures.
            '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}' | '\u{f900}'..='\u{faff}' => {
                1.8
            }
            '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{1f000}'..='\u{3fffd}' => 2.0,
            _ => 1.0,
        })
        .sum()
}
