//! How much of its images a bundle holds, in words.

use a4co_bundle::{Bundle, Held, Platform, StoredImages};
use a4co_registry::human_bytes;

use super::output;

/// Says it of a bundle, thin ones included.
pub(crate) fn describe(bundle: &Bundle) -> String {
    describe_held(bundle.images().map(StoredImages::held).as_ref())
}

fn describe_held(held: Option<&Held>) -> String {
    let Some(Held { platforms, blobs, bytes, absent, base }) = held else {
        return "it holds no images".to_owned();
    };
    let platforms = match platforms {
        None => "all platforms".to_owned(),
        Some(some) => some.iter().map(Platform::to_string).collect::<Vec<_>>().join(", "),
    };
    let (blobs, bytes) = (output::count(*blobs, "blob"), human_bytes(*bytes));
    let mut text = format!("it holds its images for {platforms}: {blobs}, {bytes}");
    if let Some(base) = base {
        let absent = output::count(*absent, "blob");
        let more = format!(
            ";\n{absent} left out, which the bundle of release {} has: `images push` finds \
             them in the site's registry, `images join` makes it whole",
            base.short()
        );
        text.push_str(&more);
    }
    text
}

#[cfg(test)]
mod tests {
    use a4co_bundle::{Digest, ReleaseId};

    use super::*;

    #[test]
    fn it_is_said_whether_more_is_needed() {
        let held = |absent, base: Option<ReleaseId>, platforms| Held {
            platforms,
            blobs: 2,
            bytes: 2048,
            absent,
            base,
        };
        let arm = vec!["linux/arm64".parse().unwrap()];
        let base = ReleaseId::from(Digest::of(b"base"));
        for (held, expected) in [
            (None, "it holds no images".to_owned()),
            (Some(held(0, None, None)), "for all platforms: 2 blobs, 2.00 KiB".to_owned()),
            (Some(held(0, None, Some(arm))), "for linux/arm64: 2 blobs, 2.00 KiB".to_owned()),
            (
                Some(held(1, Some(base), None)),
                format!("\n1 blob left out, which the bundle of release {} ", base.short()),
            ),
        ] {
            let text = describe_held(held.as_ref());
            assert!(text.contains(&expected), "{text}");
        }
    }
}
