//! What a `Range` header asks for (RFC 9110, 14.1.2).

use std::ops::Range;

/// The bytes that a request wants of a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// All; also where the header is malformed, or asks for several ranges, as it may be ignored.
    All,
    Part(Range<u64>),
    /// Bytes that there are not.
    Nothing,
}

/// Reads a `Range` header for a blob of `size` bytes.
pub(super) fn wish(header: Option<&str>, size: u64) -> Wish {
    let parts = header.and_then(|text| text.strip_prefix("bytes=")?.trim().split_once('-'));
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // More than can be counted is more than any blob has.
        is_number.then(|| text.parse().unwrap_or(u64::MAX))
    };
    match parts.map(|(from, to)| (from, to, number(from), number(to))) {
        Some(("", _, _, Some(last))) if last > 0 && size > 0 => {
            Wish::Part(size.saturating_sub(last)..size)
        }
        Some(("", _, _, Some(_))) => Wish::Nothing,
        Some((_, "", Some(from), _)) if from < size => Wish::Part(from..size),
        Some((_, _, Some(from), Some(to))) if from <= to && from < size => {
            Wish::Part(from..to.saturating_add(1).min(size))
        }
        Some((_, "", Some(_), _)) => Wish::Nothing,
        Some((_, _, Some(from), Some(to))) if from <= to => Wish::Nothing,
        _ => Wish::All,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_what_the_standard_says() {
        for (case, header, size, expected) in [
            ("no header", None, 10, Wish::All),
            ("the first bytes", Some("bytes=0-3"), 10, Wish::Part(0..4)),
            ("from one on", Some("bytes=4-"), 10, Wish::Part(4..10)),
            ("the last bytes", Some("bytes=-3"), 10, Wish::Part(7..10)),
            ("more last bytes than there are", Some("bytes=-30"), 10, Wish::Part(0..10)),
            ("an end beyond the end", Some("bytes=8-99"), 10, Wish::Part(8..10)),
            ("one byte", Some("bytes=9-9"), 10, Wish::Part(9..10)),
            ("a start beyond the end", Some("bytes=10-"), 10, Wish::Nothing),
            ("both beyond the end", Some("bytes=10-12"), 10, Wish::Nothing),
            ("no last bytes", Some("bytes=-0"), 10, Wish::Nothing),
            ("anything of nothing", Some("bytes=0-"), 0, Wish::Nothing),
            ("the last of nothing", Some("bytes=-1"), 0, Wish::Nothing),
            (
                "numbers too large to count",
                Some("bytes=1-99999999999999999999"),
                10,
                Wish::Part(1..10),
            ),
            ("a start too large to count", Some("bytes=99999999999999999999-"), 10, Wish::Nothing),
            ("backwards", Some("bytes=4-2"), 10, Wish::All),
            ("several", Some("bytes=0-1,3-4"), 10, Wish::All),
            ("another unit", Some("lines=0-1"), 10, Wish::All),
            ("signs", Some("bytes=+1-+2"), 10, Wish::All),
            ("nothing at all", Some("bytes=-"), 10, Wish::All),
        ] {
            assert_eq!(wish(header, size), expected, "{case}");
        }
    }
}
