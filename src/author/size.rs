//! Sizes on the command line.

/// Reads a number of bytes such as `4G`, `700M` or `4GiB`: powers of 1,024.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let malformed = || format!("`{text}` is no size, such as 4G or 700M");
    let digits = text.find(|it: char| !it.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let shift = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kib" => 10,
        "m" | "mib" => 20,
        "g" | "gib" => 30,
        "t" | "tib" => 40,
        _ => return Err(malformed()),
    };
    let number: u64 = number.parse().map_err(|_| malformed())?;
    number.checked_mul(1 << shift).filter(|size| *size > 0).ok_or_else(malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_powers_of_1024() {
        for (text, size) in [
            ("512", Some(512)),
            ("4G", Some(4 << 30)),
            ("4GiB", Some(4 << 30)),
            ("700m", Some(700 << 20)),
            ("0", None),
            ("4GB", None),
            ("G", None),
            ("-1", None),
            ("99999999T", None),
        ] {
            assert_eq!(parse_size(text).ok(), size, "{text}");
        }
    }
}
