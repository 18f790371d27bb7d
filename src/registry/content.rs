//! What is sent: bytes that can be read from any place on, and a body that reads them.

use std::{
    io::{self, Read, Write as _},
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use a4co_bundle::Digester;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::task::{JoinHandle, spawn_blocking};

/// Bytes that are read, hashed and sent at once.
const PIECE: u64 = 256 << 10;

/// The bytes of a blob that is sent, such as a file, or a part of one.
pub trait Content: Send + Sync {
    /// Opens the bytes from `offset` on.
    ///
    /// # Errors
    /// Fails when they cannot be read.
    fn open(&self, offset: u64) -> io::Result<Box<dyn Read + Send>>;
}

/// Bytes in memory.
impl Content for Bytes {
    fn open(&self, offset: u64) -> io::Result<Box<dyn Read + Send>> {
        let from = usize::try_from(offset).map_or(self.len(), |offset| offset.min(self.len()));
        Ok(Box::new(io::Cursor::new(self.slice(from..))))
    }
}

/// A place in a blob, and the digest of all bytes before it so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    pub(crate) offset: u64,
    pub(crate) digester: Digester,
}

/// What is known of a body while it is sent.
#[derive(Default)]
pub(crate) struct Sending {
    /// Bytes that were given to the connection.
    moved: AtomicU64,
    /// Where the body ended, once it did.
    end: Mutex<Option<io::Result<Place>>>,
}

impl Sending {
    pub(crate) fn moved(&self) -> u64 {
        self.moved.load(Ordering::Relaxed)
    }

    /// Takes the end of the body: the place after it, or why it could not be read.
    pub(crate) fn take_end(&self) -> Option<io::Result<Place>> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn end(&self, end: io::Result<Place>) {
        *self.end.lock().unwrap_or_else(PoisonError::into_inner) = Some(end);
    }
}

/// A part of a blob as the body of a request: read a piece at a time, so that memory is bounded, in
/// blocking tasks that end by themselves, so that nothing waits for a registry that does not.
pub(crate) struct PartBody {
    state: State,
    left: u64,
    sending: Arc<Sending>,
}

enum State {
    Idle(Box<Reader>),
    Reading(JoinHandle<io::Result<(Box<Reader>, Bytes)>>),
    Done,
}

struct Reader {
    source: Box<dyn Read + Send>,
    place: Place,
}

impl Reader {
    fn read(mut self: Box<Self>, most: u64) -> io::Result<(Box<Self>, Bytes)> {
        let mut piece = Vec::with_capacity(usize::try_from(most).unwrap_or_default());
        self.source.by_ref().take(most).read_to_end(&mut piece)?;
        if piece.len() as u64 != most {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.place.digester.write_all(&piece)?;
        self.place.offset += most;
        Ok((self, piece.into()))
    }
}

impl PartBody {
    /// Makes a body of `length` bytes of `content`, from `place` on.
    pub(crate) fn new(
        content: &dyn Content,
        place: &Place,
        length: u64,
    ) -> io::Result<(Self, Arc<Sending>)> {
        let reader = Reader { source: content.open(place.offset)?, place: place.clone() };
        let sending = Arc::new(Sending::default());
        let state = State::Idle(Box::new(reader));
        Ok((Self { state, left: length, sending: sending.clone() }, sending))
    }
}

impl http_body::Body for PartBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = self.get_mut();
        loop {
            match std::mem::replace(&mut this.state, State::Done) {
                State::Done => return Poll::Ready(None),
                State::Idle(_) if this.left == 0 => return Poll::Ready(None),
                State::Idle(reader) => {
                    let most = this.left.min(PIECE);
                    this.state = State::Reading(spawn_blocking(move || reader.read(most)));
                }
                State::Reading(mut task) => {
                    let Poll::Ready(read) = Pin::new(&mut task).poll(context) else {
                        this.state = State::Reading(task);
                        return Poll::Pending;
                    };
                    match read.map_err(io::Error::from).and_then(|read| read) {
                        Ok((reader, piece)) => {
                            let length = piece.len() as u64;
                            this.left -= length;
                            this.sending.moved.fetch_add(length, Ordering::Relaxed);
                            if this.left == 0 {
                                this.sending.end(Ok(reader.place.clone()));
                            }
                            this.state = State::Idle(reader);
                            return Poll::Ready(Some(Ok(Frame::data(piece))));
                        }
                        Err(error) => {
                            let told = io::Error::from(error.kind());
                            this.sending.end(Err(error));
                            return Poll::Ready(Some(Err(told)));
                        }
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

/// Goes on from `place` to `offset` without sending: what a registry has already counts too.
pub(crate) fn advance(content: &dyn Content, place: &Place, offset: u64) -> io::Result<Place> {
    let source = content.open(place.offset)?;
    let mut reader = Box::new(Reader { source, place: place.clone() });
    while reader.place.offset < offset {
        let most = (offset - reader.place.offset).min(PIECE);
        reader = reader.read(most)?.0;
    }
    Ok(reader.place)
}
