//! Numbers of bytes, for people.

const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];

/// Writes a number of bytes with three digits that matter, such as `1.25 GiB`; cut off, not rounded.
#[must_use]
pub fn human_bytes(bytes: u64) -> String {
    let (mut whole, mut rest, mut unit) = (bytes, 0, 0);
    while whole >= 1024 && unit + 1 < UNITS.len() {
        (whole, rest, unit) = (whole / 1024, whole % 1024, unit + 1);
    }
    let name = UNITS[unit];
    match whole {
        _ if unit == 0 => format!("{whole} {name}"),
        0..10 => format!("{whole}.{:02} {name}", rest * 100 / 1024),
        10..100 => format!("{whole}.{} {name}", rest * 10 / 1024),
        _ => format!("{whole} {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_are_enough() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KiB"),
            (1536, "1.50 KiB"),
            (10 * 1024 + 512, "10.5 KiB"),
            (1024 * 1024 - 1, "1023 KiB"),
            (5 << 30, "5.00 GiB"),
            (u64::MAX, "16777215 TiB"),
        ] {
            assert_eq!(human_bytes(bytes), text);
        }
    }
}
