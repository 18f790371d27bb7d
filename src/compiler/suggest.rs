//! "Did you mean …?"

/// Returns the candidate that looks most like a misspelling for `word`, if one does.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let word = word.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&word, &candidate.to_lowercase()), candidate))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

/// Writes the help for an unknown `word`: the nearest candidate, else all of them.
pub(crate) fn help(word: &str, known: &[String]) -> Option<String> {
    let names = || known.iter().map(String::as_str);
    match nearest(word, names()) {
        Some(candidate) => Some(format!("did you mean `{candidate}`?")),
        None if known.is_empty() => None,
        None => Some(format!("known here: {}", list(names()))),
    }
}

/// Joins words as "`a`, `b`, `c`".
pub(crate) fn list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let quoted: Vec<_> = words.into_iter().map(|word| format!("`{word}`")).collect();
    quoted.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelling_finds_its_word_and_nonsense_finds_all() {
        let known = ["replicas", "requests", "route"].map(str::to_owned);
        for (word, expected) in [
            ("replcas", "did you mean `replicas`?"),
            ("Route", "did you mean `route`?"),
            ("xyz", "known here: `replicas`, `requests`, `route`"),
        ] {
            assert_eq!(help(word, &known).as_deref(), Some(expected));
        }
        assert_eq!(help("xyz", &[]), None);
    }
}
