//! Where a key or a value stands in a source file.

use std::{fmt, ops::Range, sync::Arc};

/// A source file with its text, shared by every place in it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct SourceFile {
    /// Path relative to the root that was read, with slashes.
    pub(crate) path: String,
    /// The whole text.
    pub(crate) text: String,
}

/// A stretch of a source file. Sorts by file, then by position.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    file: Arc<SourceFile>,
    start: usize,
    end: usize,
}

impl Place {
    /// Makes the place of the bytes `span` of `file`; a span outside of the text is cut.
    pub(crate) fn new(file: &Arc<SourceFile>, span: Range<usize>) -> Self {
        let text = &file.text;
        let start = text.floor_char_boundary(span.start);
        let end = text.ceil_char_boundary(span.end.max(start));
        Self { file: Arc::clone(file), start, end }
    }

    /// Returns the first byte of `file`, for what concerns it as a whole.
    pub(crate) fn top_of(file: &Arc<SourceFile>) -> Self {
        Self::new(file, 0..0)
    }

    pub(crate) fn path(&self) -> &str {
        &self.file.path
    }

    /// Returns line and column, both from 1; columns count characters.
    pub(crate) fn line_and_column(&self) -> (usize, usize) {
        let before = &self.file.text[..self.start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    /// Returns the line in which the place starts, without its end.
    pub(crate) fn line(&self) -> &str {
        let line_start = self.file.text[..self.start].rfind('\n').map_or(0, |at| at + 1);
        self.file.text[line_start..].lines().next().unwrap_or_default()
    }

    /// Returns how many characters of its first line the place covers, at least 1.
    pub(crate) fn width(&self) -> usize {
        let covered = &self.file.text[self.start..self.end];
        covered.lines().next().map_or(1, |line| line.chars().count().max(1))
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.line_and_column();
        write!(f, "{}:{line}:{column}", self.path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_characters_from_one() {
        let text = "one = 1\n# ü\nüü = \"two\"".to_owned();
        let file = Arc::new(SourceFile { path: "envs/x.toml".to_owned(), text });
        for (case, span, line_and_column, line, width) in [
            ("at the start", 0..3, (1, 1), "one = 1", 3),
            ("after a comment with wide characters", 13..17, (3, 1), "üü = \"two\"", 2),
            ("a value after wide characters", 20..25, (3, 6), "üü = \"two\"", 5),
            ("beyond the end", 90..99, (3, 11), "üü = \"two\"", 1),
        ] {
            let place = Place::new(&file, span);
            assert_eq!(place.line_and_column(), line_and_column, "{case}");
            assert_eq!(place.line(), line, "{case}");
            assert_eq!(place.width(), width, "{case}");
        }
    }
}
