//! Times as cron writes them.

use std::{collections::BTreeSet, fmt};

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

impl Schedule {
    /// Returns the longest time between one of them and the next, in seconds.
    ///
    /// Dates have the same days of the week again after 28 years. What never happens, such as a 30th of February, gives those.
    pub(crate) fn longest_gap_seconds(&self) -> u64 {
        let texts: Vec<_> = self.0.split(' ').collect();
        let fields: Vec<_> =
            texts.iter().zip(RANGES).map(|(it, range)| numbers(it, range)).collect();
        let ([minutes, hours, days, months, weekdays], [_, _, day, _, weekday]) =
            (fields.as_slice(), texts.as_slice())
        else {
            return 0;
        };
        let times = hours.iter().flat_map(|hour| minutes.iter().map(move |it| hour * 60 + it));
        let times: Vec<u64> = times.collect();
        // As cron has it: if both days are restricted, either is enough.
        let is_either = !day.starts_with('*') && !weekday.starts_with('*');
        let is_on = |date: &Date| {
            let (by_day, by_weekday) = (days.contains(&date.day), weekdays.contains(&date.weekday));
            let is_day = if is_either { by_day || by_weekday } else { by_day && by_weekday };
            is_day && months.contains(&date.month)
        };
        let dates: Vec<u64> = dates().filter(is_on).map(|date| date.number).collect();
        let within = times.windows(2).map(|pair| pair[1] - pair[0]).max();
        let within = within.filter(|_| !dates.is_empty());
        let (first, last) = (times.first().unwrap_or(&0), times.last().unwrap_or(&0));
        // Behind the last one comes the first one again.
        let next = dates.iter().skip(1).copied().chain(dates.first().map(|first| first + DAYS));
        let between =
            dates.iter().zip(next).map(|(date, next)| (next - date) * 1440 + first - last);
        between.chain(within).max().unwrap_or(DAYS * 1440) * 60
    }
}

/// Returns the numbers that a field stands for.
fn numbers(field: &str, (min, max): (u8, u8)) -> BTreeSet<u64> {
    let of_part = |part: &str| {
        let (span, interval) = part.split_once('/').unwrap_or((part, "1"));
        let (first, last) = span.split_once('-').unwrap_or((span, span));
        let is_open = span == "*" || (first == last && part.contains('/'));
        let first = digits(first).unwrap_or(min);
        let last = if is_open { max } else { digits(last).unwrap_or(max) };
        (u64::from(first)..=u64::from(last)).step_by(digits(interval).unwrap_or(1))
    };
    field.split(',').flat_map(of_part).collect()
}

/// Days of 28 years.
const DAYS: u64 = 28 * 365 + 7;

/// A day of the calendar.
struct Date {
    /// How many days there are before it.
    number: u64,
    month: u64,
    day: u64,
    /// From 0, which is Sunday.
    weekday: u64,
}

/// Returns the days from 2000 on of 28 years, within which every date has had every day of the week.
fn dates() -> impl Iterator<Item = Date> {
    let length = |year: u64, month: u64| match month {
        2 if u64::is_multiple_of(year, 4) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let months = (2000..2028).flat_map(|year| (1..=12).map(move |month| (year, month)));
    let days = months
        .flat_map(move |(year, month)| (1..=length(year, month)).map(move |day| (month, day)));
    // The first one was a Saturday.
    (0..).zip(days).map(|(number, (month, day))| Date {
        number,
        month,
        day,
        weekday: (number + 6) % 7,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_gap_is_that_of_the_calendar() {
        const HOUR: u64 = 60 * 60;
        for (text, expected) in [
            ("* * * * *", 60),
            ("*/7 * * * *", 7 * 60),
            ("15 * * * *", HOUR),
            ("0 */6 * * *", 6 * HOUR),
            ("0 1/6 * * *", 6 * HOUR),
            ("0 0,12 * * *", 12 * HOUR),
            ("0 8-18 * * *", 14 * HOUR),
            ("15 2 * * *", 24 * HOUR),
            ("15 2,4 * * 1-5", (2 * 24 + 22) * HOUR),
            ("15 2 * * 0", 7 * 24 * HOUR),
            ("15 2 1 * *", 31 * 24 * HOUR),
            ("15 2 1 * 0", 7 * 24 * HOUR),
            ("0 0 31 * *", 61 * 24 * HOUR),
            ("0 0 29 2 *", (4 * 365 + 1) * 24 * HOUR),
            ("0 0,12 30 2 *", (28 * 365 + 7) * 24 * HOUR),
        ] {
            let schedule = Schedule(text.to_owned());
            assert_eq!(schedule.longest_gap_seconds(), expected, "{text}");
        }
    }

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
