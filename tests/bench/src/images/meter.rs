//! Counts the bytes that a client sends to a server.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use crate::error::Result;

/// What is in between, on loopback, until the program ends.
pub(super) struct Meter {
    address: SocketAddr,
    sent: Arc<AtomicU64>,
}

impl Meter {
    /// Passes on to `server` whatever comes.
    pub(super) fn before(server: &str) -> Result<Self> {
        let server: Arc<str> = server.into();
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let sent = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&sent);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (server, counter) = (Arc::clone(&server), Arc::clone(&counter));
                // One that breaks off is for its client to see.
                thread::spawn(move || pass_on(&client, &server, &counter));
            }
        });
        Ok(Self { address, sent })
    }

    pub(super) fn host(&self) -> String {
        self.address.to_string()
    }

    /// Bytes so far, with what HTTP puts around them.
    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

fn pass_on(client: &TcpStream, server: &str, sent: &Arc<AtomicU64>) -> io::Result<()> {
    let server = TcpStream::connect(server)?;
    let (answers, to_client) = (server.try_clone()?, client.try_clone()?);
    thread::spawn(move || copy(&answers, &to_client, |_| ()));
    copy(client, &server, |bytes| {
        sent.fetch_add(bytes, Ordering::Relaxed);
    })
}

fn copy(mut from: &TcpStream, mut to: &TcpStream, count: impl Fn(u64)) -> io::Result<()> {
    let mut buffer = vec![0; 64 << 10];
    loop {
        match from.read(&mut buffer) {
            Ok(length @ 1..) => {
                count(length as u64);
                to.write_all(&buffer[..length])?;
            }
            ended => {
                to.shutdown(Shutdown::Write)?;
                return ended.map(drop);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_counted_and_what_is_answered_is_not() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let meter = Meter::before(&server.local_addr().unwrap().to_string()).unwrap();
        let mut client = TcpStream::connect(meter.host()).unwrap();
        let (mut inner, _) = server.accept().unwrap();
        client.write_all(b"question").unwrap();
        client.shutdown(Shutdown::Write).unwrap();
        let mut text = String::new();
        inner.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), meter.sent()), ("question", 8));
        inner.write_all(b"a longer answer").unwrap();
        drop(inner);
        client.read_to_string(&mut text).unwrap();
        assert_eq!((text.as_str(), meter.sent()), ("questiona longer answer", 8));
    }
}
