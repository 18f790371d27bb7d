//! The body of an answer: bytes of a blob, read a piece at a time in blocking tasks.

use std::io::{self, ErrorKind, Read};

use bytes::Bytes;
use futures::stream;
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use tokio::task::spawn_blocking;

use crate::connection::Body;

/// Most bytes that are read at once. Each connection holds about three times that.
const PIECE: u64 = 64 << 10;

/// Makes a body of the `size` bytes that `reader` has. If it fails, so does the body, and then the
/// connection breaks before the end that was promised.
pub(super) fn body_from(reader: impl Read + Send + 'static, size: u64) -> Body {
    let pieces = stream::try_unfold((reader, size), |(reader, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let read = spawn_blocking(move || piece(reader, left)).await;
        let (reader, piece) = read.map_err(io::Error::from).and_then(|read| read)?;
        let left = left - piece.len() as u64;
        Ok(Some((Frame::data(piece), (reader, left))))
    });
    StreamBody::new(pieces).boxed_unsync()
}

fn piece<R: Read>(mut reader: R, left: u64) -> io::Result<(R, Bytes)> {
    let most = left.min(PIECE);
    let mut piece = Vec::with_capacity(usize::try_from(most).unwrap_or_default());
    reader.by_ref().take(most).read_to_end(&mut piece)?;
    if piece.len() as u64 != most {
        return Err(ErrorKind::UnexpectedEof.into());
    }
    Ok((reader, piece.into()))
}
