//! Pieces of example files, by what each is about.

/// A piece of an example: lines with no blank one between.
pub(super) struct Piece<'a> {
    /// The top-level key that it is about.
    pub(super) key: &'a str,
    pub(super) text: &'a str,
}

/// Returns the pieces of a TOML text, in its order. Comments by themselves are none.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut table = None;
    let mut pieces = Vec::new();
    for text in text.split("\n\n").map(str::trim) {
        let mut lines = text.lines();
        let Some(line) = lines.find(|line| !line.starts_with('#')) else {
            continue;
        };
        if line.starts_with('[') {
            table = Some(root_of(line));
        }
        pieces.push(Piece { key: table.unwrap_or_else(|| root_of(line)), text });
    }
    pieces
}

/// Returns the first key of a header or of an assignment.
fn root_of(line: &str) -> &str {
    let path = line.trim_start_matches('[');
    path.split(['.', ']', '=', ' ']).next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_belongs_to_the_key_of_its_header_or_of_its_first_line() {
        let text = "\
#:schema x
# About the file.

# About b.
b = [
  1,
]

[a.x]
k = 1

k.l = 2

# Comment.
[[c]]
k = 1
";
        let found = pieces(text).into_iter().map(|piece| (piece.key, piece.text.len()));
        assert_eq!(found.collect::<Vec<_>>(), [("b", 23), ("a", 11), ("a", 7), ("c", 22)]);
    }
}
