//! Sizes on the command line.

use a4co_bundle::{MAX_VOLUME_BYTES, MIN_VOLUME_BYTES};

/// Most digits behind the point.
const MAX_FRACTION: usize = 9;
const BILLION: u128 = 1_000_000_000;

/// Reads the size of volumes, and refuses one that no volume can have.
pub(crate) fn parse_volume_size(text: &str) -> Result<u64, String> {
    let size = parse_size(text)?;
    if (MIN_VOLUME_BYTES..=MAX_VOLUME_BYTES).contains(&size) {
        return Ok(size);
    }
    Err("volumes have from 64 KiB to just below 8 GiB, such as 4G; that is what a tar file can tell"
        .to_owned())
}

/// Reads a number of bytes such as `4.5G`, `700M` or `4GiB`, which are powers of 1,024, or `700 MB`,
/// which are powers of 1,000.
fn parse_size(text: &str) -> Result<u64, String> {
    let malformed = || {
        format!("`{text}` is no size, such as 4.5G or 700M (powers of 1,024) or 700MB (of 1,000)")
    };
    let text = text.trim();
    let end = text.find(|it: char| !it.is_ascii_digit() && it != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (base, power): (u64, u32) = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => (1024, 0),
        "k" | "kib" => (1024, 1),
        "m" | "mib" => (1024, 2),
        "g" | "gib" => (1024, 3),
        "t" | "tib" => (1024, 4),
        "kb" => (1000, 1),
        "mb" => (1000, 2),
        "gb" => (1000, 3),
        "tb" => (1000, 4),
        _ => return Err(malformed()),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if number.ends_with('.') || fraction.len() > MAX_FRACTION {
        return Err(malformed());
    }
    let digits = |text: &str| text.parse::<u64>().map(u128::from).map_err(|_| malformed());
    let billionths = digits(whole)? * BILLION + digits(&format!("{fraction:0<9}"))?;
    let size = billionths.checked_mul(u128::from(base.pow(power))).map(|it| it / BILLION);
    let size = size.and_then(|size| u64::try_from(size).ok());
    size.filter(|size| *size > 0).ok_or_else(malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_says_which_powers_are_meant() {
        for (text, size) in [
            ("512", Some(512)),
            ("4G", Some(4 << 30)),
            ("4GiB", Some(4 << 30)),
            ("4.5G", Some(9 << 29)),
            ("0.5k", Some(512)),
            ("700m", Some(700 << 20)),
            ("700 MB", Some(700_000_000)),
            ("4.7gb", Some(4_700_000_000)),
            ("1.5", Some(1)),
            ("0", None),
            ("0.1", None),
            ("4,5G", None),
            ("4.G", None),
            (".5G", None),
            ("1.2.3G", None),
            ("1.0000000001G", None),
            ("4 GBit", None),
            ("G", None),
            ("", None),
            ("-1", None),
            ("99999999T", None),
            ("18446744073709551615T", None),
        ] {
            assert_eq!(parse_size(text).ok(), size, "{text}");
        }
    }

    #[test]
    fn a_volume_has_a_size_that_tar_can_tell() {
        for (text, is_good) in
            [("64k", true), ("63k", false), ("1.44MB", true), ("7.9G", true), ("8G", false)]
        {
            let found = parse_volume_size(text);
            assert_eq!(found.is_ok(), is_good, "{text}");
            assert!(is_good || found.unwrap_err().contains("from 64 KiB to just below 8 GiB"));
        }
    }
}
