//! Times as cron writes them.

use std::fmt;

use serde::Deserialize;

use super::{Format, TextError, digits, text};

text!(
    /// Times at which something happens again and again.
    Schedule,
    "cron",
    "a schedule such as `15 2 * * *`: minute, hour, day, month and day of the week in numbers",
    |text| {
        let fields: Vec<_> = text.split(' ').collect();
        fields.len() == RANGES.len()
            && fields.iter().zip(RANGES).all(|(field, range)| is_field(field, range))
    }
);

/// Least and greatest number of each field.
const RANGES: [(u8, u8); 5] = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)];

fn is_field(field: &str, range: (u8, u8)) -> bool {
    field.split(',').all(|part| {
        let (numbers, interval) = part.split_once('/').unwrap_or((part, "1"));
        let is_possible = digits::<u8>(interval).is_some_and(|step| (1..=range.1).contains(&step));
        is_possible && (numbers == "*" || is_span(numbers, range))
    })
}

fn is_span(span: &str, (min, max): (u8, u8)) -> bool {
    let (first, last) = span.split_once('-').unwrap_or((span, span));
    let bounds = digits::<u8>(first).zip(digits::<u8>(last));
    bounds.is_some_and(|(first, last)| min <= first && first <= last && last <= max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_has_five_fields_within_their_ranges() {
        for text in ["15 2 * * *", "*/10 * * * *", "0 0,12 1-7 1,6 0", "0-30/5 4 * * 1-5"] {
            assert_eq!(Schedule::FORMAT.check(text), Ok(()), "{text}");
        }
        for text in [
            "",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 7",
            "5-1 * * * *",
            "*/0 * * * *",
            "+1 * * * *",
            "@daily",
            "*  * * *",
            "a * * * *",
        ] {
            assert!(Schedule::FORMAT.check(text).is_err(), "{text}");
        }
    }
}
