//! Names for namespaces, so that tests do not meet.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicU64, Ordering};

const MAX_PREFIX: usize = 40;

/// Returns a valid namespace name that no other call returns, here or in another process.
///
/// It begins with `prefix` as far as Kubernetes allows: lower case, dashes for anything else, at
/// most 40 characters. Nothing is created.
///
/// ```
/// let name = a4co_testenv::unique_namespace("Rolls back: twice!");
/// assert!(name.starts_with("rolls-back-twice-"));
/// ```
#[must_use]
pub fn unique_namespace(prefix: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let unique = RandomState::new().hash_one((std::process::id(), number));
    let suffix = format!("{:010x}", unique & 0xff_ffff_ffff);
    match slug(prefix).as_str() {
        "" => format!("test-{suffix}"),
        prefix => format!("{prefix}-{suffix}"),
    }
}

fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars().map(|c| c.to_ascii_lowercase()) {
        if c.is_ascii_alphanumeric() {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(MAX_PREFIX);
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_new_and_fits() {
        let (a, b) = (unique_namespace("a"), unique_namespace("a"));
        assert_ne!(a, b);
        assert!(unique_namespace(&"x".repeat(200)).len() <= 63);
    }

    #[test]
    fn what_kubernetes_refuses_becomes_a_dash() {
        for (prefix, expected) in
            [("Web_App", "web-app"), ("--a--", "a"), ("größe", "gr-e"), ("...", "")]
        {
            assert_eq!(slug(prefix), expected, "{prefix}");
        }
    }
}
