//! The tar header (POSIX ustar): a function of an entry's name and size and of nothing else.
//!
//! A reader does not interpret a header to act on it. It makes the header that must stand there and
//! compares all 512 bytes, so no link, folder, mode, owner, time or extension can be expressed.

use std::ops::Range;

pub(crate) const RECORD: usize = 512;
pub(crate) type Header = [u8; RECORD];
pub(crate) const ZEROS: Header = [0; RECORD];

/// Largest size that 11 octal digits hold, 8 GiB − 1.
pub(crate) const MAX_ENTRY_BYTES: u64 = 0o777_7777_7777;

const NAME: Range<usize> = 0..100;
const SIZE: Range<usize> = 124..136;
const CHECKSUM: Range<usize> = 148..156;

/// Fields in the order in which a difference tells most; the checksum follows from the others.
const FIELDS: [(&str, Range<usize>); 17] = [
    ("type flag", 156..157),
    ("magic", 257..263),
    ("version", 263..265),
    ("name", NAME),
    ("prefix", 345..500),
    ("link name", 157..257),
    ("mode", 100..108),
    ("user id", 108..116),
    ("group id", 116..124),
    ("size", SIZE),
    ("time", 136..148),
    ("user name", 265..297),
    ("group name", 297..329),
    ("device major", 329..337),
    ("device minor", 337..345),
    ("rest", 500..512),
    ("checksum", CHECKSUM),
];

/// Makes the only header that an entry of this name and size may have; none if the name has more than
/// 99 bytes or the size is 8 GiB or more.
#[must_use]
pub fn header(name: &[u8], size: u64) -> Option<[u8; RECORD]> {
    if name.len() >= NAME.len() || size > MAX_ENTRY_BYTES {
        return None;
    }
    let mut header = ZEROS;
    let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
    put(NAME.start, name);
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(SIZE.start, format!("{size:011o}\0").as_bytes());
    put(136, b"00000000000\0");
    put(CHECKSUM.start, b"        ");
    put(156, b"0");
    put(257, b"ustar\x0000");
    put(329, b"0000000\0");
    put(337, b"0000000\0");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Some(header)
}

/// Returns name and size of a header that [`header`] makes.
pub(crate) fn parse(found: &Header) -> Option<(&[u8], u64)> {
    let (name, size) = (name_of(found), size_of(found)?);
    (header(name, size)? == *found).then_some((name, size))
}

/// Says what stands where some other header had to stand.
pub(crate) fn describe(found: &Header) -> String {
    if *found == ZEROS {
        return "the archive ends there".to_owned();
    }
    let name = name_of(found);
    let made = size_of(found).and_then(|size| Some((size, header(name, size)?)));
    let Some((size, made)) = made else {
        return describe_field("size", &found[SIZE], None);
    };
    let differs = |(_, range): &&(_, Range<usize>)| found[range.clone()] != made[range.clone()];
    match FIELDS.iter().find(differs) {
        Some((field, range)) => {
            describe_field(field, &found[range.clone()], Some(&made[range.clone()]))
        }
        None => format!("`{}` with {size} bytes stands there", name.escape_ascii()),
    }
}

fn describe_field(field: &str, found: &[u8], made: Option<&[u8]>) -> String {
    let trim = |bytes: &[u8]| {
        let end = bytes.iter().rposition(|byte| *byte != 0);
        bytes[..end.map_or(0, |end| end + 1)].escape_ascii().to_string()
    };
    match made {
        Some(made) => format!("its {field} is `{}`, not `{}`", trim(found), trim(made)),
        None => format!("its {field} is `{}`", trim(found)),
    }
}

fn name_of(header: &Header) -> &[u8] {
    let field = &header[NAME];
    let end = field.iter().position(|byte| *byte == 0);
    &field[..end.unwrap_or(field.len())]
}

fn size_of(header: &Header) -> Option<u64> {
    let digits = header[SIZE].strip_suffix(b"\0")?;
    let is_octal = digits.iter().all(|digit| matches!(digit, b'0'..=b'7'));
    let digits = is_octal.then(|| str::from_utf8(digits).ok())??;
    u64::from_str_radix(digits, 8).ok()
}

/// Returns how many zeros follow content of `size` bytes, up to a whole record.
pub(crate) fn padding(size: u64) -> usize {
    let over = usize::try_from(size % RECORD as u64).unwrap_or(0);
    (RECORD - over) % RECORD
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_parses_as_what_it_was_made_of() {
        for (name, size) in [("oci-layout", 0), ("a4co/release.json", MAX_ENTRY_BYTES)] {
            let made = header(name.as_bytes(), size).unwrap();
            assert_eq!(parse(&made), Some((name.as_bytes(), size)));
        }
    }

    #[test]
    fn what_does_not_fit_has_no_header() {
        assert_eq!(header(&[b'a'; 100], 0), None, "a name of 100 bytes");
        assert_eq!(header(b"a", MAX_ENTRY_BYTES + 1), None, "a size of 8 GiB");
    }

    #[test]
    fn the_fields_cover_every_byte_once() {
        let mut covered = [0; RECORD];
        for (_, range) in FIELDS {
            covered[range].iter_mut().for_each(|count| *count += 1);
        }
        assert_eq!(covered, [1; RECORD]);
    }

    #[test]
    fn any_other_byte_makes_it_another_header() {
        let made = header(b"index.json", 300).unwrap();
        for at in 0..RECORD {
            for byte in 0..=u8::MAX {
                let mut other = made;
                other[at] = byte;
                assert_eq!(parse(&other).is_some(), byte == made[at], "{at}: {}", describe(&other));
            }
        }
    }
}
