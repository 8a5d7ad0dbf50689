use std::{
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::ReadBuf;

use futures_util::FutureExt as _;

use super::*;

fn framed(bodies: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    for body in bodies {
        out.extend_from_slice(&(body.len() as i32).to_be_bytes());
        out.extend_from_slice(body);
    }
    out
}

fn reader(max: usize) -> FrameReader {
    FrameReader::new(max, RequestMemory::new(1 << 20), Runtime::system())
}

async fn read_all(max: usize, bytes: &[u8]) -> (Vec<Bytes>, Option<FrameError>) {
    let mut reader = reader(max);
    let mut stream = bytes;
    let mut frames = Vec::new();
    loop {
        match reader.next(&mut stream).await {
            Ok(Some(frame)) => frames.push(frame.bytes),
            Ok(None) => return (frames, None),
            Err(error) => return (frames, Some(error)),
        }
    }
}

#[tokio::test]
async fn requests_of_all_sizes_come_out_whole_and_in_order() {
    let bodies: Vec<Vec<u8>> = [0, 1, 100, 8191, 8192, 8193, 70_000, 3_000_000, 5, 0]
        .into_iter()
        .enumerate()
        .map(|(i, n)| vec![i as u8; n])
        .collect();
    let slices: Vec<&[u8]> = bodies.iter().map(Vec::as_slice).collect();
    let (frames, error) = read_all(4_000_000, &framed(&slices)).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(frames, bodies);
}

/// Gives as much as is asked for at once, and counts how often it is asked.
struct CountedReads<'a> {
    bytes: &'a [u8],
    reads: usize,
}

impl AsyncRead for CountedReads<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        self.reads += 1;
        Pin::new(&mut self.bytes).poll_read(context, buffer)
    }
}

#[tokio::test]
async fn a_request_with_a_usual_batch_takes_two_reads() {
    let bytes = framed(&[&[1; 16_500]]);
    let mut stream = CountedReads { bytes: &bytes, reads: 0 };
    let frame = reader(1 << 20).next(&mut stream).await.expect("a whole request");
    assert_eq!(frame.expect("one").bytes.len(), 16_500);
    assert_eq!(stream.reads, 2);
}

#[tokio::test]
async fn a_request_survives_being_read_byte_by_byte_with_cancellations() {
    let (mut client, mut server) = tokio::io::duplex(3);
    let bytes = framed(&[b"hello", b"", b"worlds"]);
    let writer = async move {
        use tokio::io::AsyncWriteExt;
        client.write_all(&bytes).await.expect("the reader reads");
    };
    let reading = async move {
        let mut reader = reader(100);
        let mut frames = Vec::new();
        loop {
            tokio::select! {
                biased;
                frame = reader.next(&mut server) => match frame.expect("whole requests") {
                    Some(frame) => frames.push(frame.bytes),
                    None => return frames,
                },
                () = tokio::task::yield_now() => {}
            }
        }
    };
    let (frames, ()) = tokio::join!(reading, writer);
    assert_eq!(frames, [&b"hello"[..], b"", b"worlds"]);
}

#[tokio::test]
async fn a_length_beyond_the_limit_or_negative_is_refused() {
    for claimed in [101_i32, i32::MAX, -1, i32::MIN] {
        let (frames, error) = read_all(100, &claimed.to_be_bytes()).await;
        assert!(frames.is_empty());
        assert!(matches!(error, Some(FrameError::Size { .. })), "{error:?}");
    }
}

#[tokio::test]
async fn a_claimed_length_reserves_no_more_than_the_first_step() {
    let mut reader = reader(100_000_000);
    let bytes = 90_000_000_i32.to_be_bytes();
    assert!(reader.next(&mut &bytes[..]).await.is_err());
    assert!(reader.buffer.capacity() <= 2 * RESERVED_AT_ONCE_BYTES, "{}", reader.buffer.capacity());
}

#[tokio::test]
async fn nothing_of_a_large_request_stays_with_its_connection() {
    // Of this length the buffer, which grows by doubling, is far larger.
    let large = vec![1; 2_500_000];
    let bytes = framed(&[&large, b"small"]);
    let mut stream = &bytes[..];
    let mut reader = FrameReader::new(4 << 20, RequestMemory::new(4 << 20), Runtime::system());
    let first = reader.next(&mut stream).await.expect("a whole request").expect("a request");
    assert_eq!(first.bytes, large);
    let only_holder = first.bytes.is_unique();
    drop(first);
    let second = reader.next(&mut stream).await.expect("a whole request").expect("a request");
    assert_eq!(second.bytes, &b"small"[..]);
    assert!(only_holder);
    assert!(reader.buffer.capacity() <= 2 * READ_BUFFER_BYTES, "{}", reader.buffer.capacity());
}

#[tokio::test]
async fn a_very_large_request_is_copied_while_little_of_it_has_arrived() {
    use tokio::io::AsyncWriteExt as _;
    const LENGTH: usize = 40 << 20;
    let (mut client, mut server) = tokio::io::duplex(1 << 20);
    let mut reader = FrameReader::new(64 << 20, RequestMemory::new(64 << 20), Runtime::system());
    client.write_all(&i32::try_from(LENGTH).unwrap().to_be_bytes()).await.unwrap();
    let mut moved_at = Vec::new();
    let mut place = std::ptr::null();
    for _ in 0..LENGTH >> 19 {
        client.write_all(&[1; 1 << 19]).await.unwrap();
        let whole = {
            let mut next = std::pin::pin!(reader.next(&mut server));
            futures_util::poll!(next.as_mut()).is_ready()
        };
        if !whole && reader.buffer.as_ptr() != place {
            place = reader.buffer.as_ptr();
            moved_at.push(reader.buffer.len() >> 20);
        }
    }
    assert!(moved_at.iter().all(|mib| *mib <= 9), "moved with so many MiB in it: {moved_at:?}");
}

#[tokio::test]
async fn a_large_request_waits_for_memory_that_others_hold() {
    let memory = RequestMemory::new(150_000);
    let bytes = framed(&[&[1; 100_000]]);
    let new = || FrameReader::new(1 << 20, memory.clone(), Runtime::system());
    let mut first = new();
    let held = first.next(&mut &bytes[..]).await.expect("a whole request").expect("a request");
    // From the reserve.
    let mut oldest = new();
    let reserved = oldest.next(&mut &bytes[..]).await.expect("a whole request").expect("one");
    let mut next = new();
    let mut stream = &bytes[..];
    {
        let mut next = std::pin::pin!(next.next(&mut stream));
        assert!(futures_util::poll!(next.as_mut()).is_pending());
    }
    drop(held);
    assert!(next.next(&mut stream).await.expect("a whole request").is_some());
    drop(reserved);
}

#[tokio::test]
async fn a_connection_closed_within_a_request_is_an_error() {
    let mut bytes = framed(&[b"whole"]);
    bytes.extend_from_slice(&[0, 0, 0, 9, 1]);
    let (frames, error) = read_all(100, &bytes).await;
    assert_eq!(frames.len(), 1);
    assert!(matches!(error, Some(FrameError::Truncated { received: 1 })), "{error:?}");
}

#[tokio::test]
async fn lengths_that_are_only_claimed_keep_nobody_waiting() {
    let memory = RequestMemory::new(150_000);
    let new = || FrameReader::new(100 << 20, memory.clone(), Runtime::system());
    let mut claims = Vec::new();
    for _ in 0..6 {
        let (mut client, mut server) = tokio::io::duplex(1 << 20);
        tokio::io::AsyncWriteExt::write_all(&mut client, &(100_i32 << 20).to_be_bytes())
            .await
            .expect("it fits");
        let mut reader = new();
        {
            let mut next = std::pin::pin!(reader.next(&mut server));
            assert!(futures_util::poll!(next.as_mut()).is_pending());
        }
        claims.push((client, server, reader));
    }
    let bytes = framed(&[&[1; 140_000]]);
    assert!(new().next(&mut &bytes[..]).await.expect("a whole request").is_some());
}

#[tokio::test]
async fn who_stops_within_a_request_is_closed_when_others_have_no_memory() {
    let memory = RequestMemory::new(300_000);
    let new = || FrameReader::new(1 << 20, memory.clone(), Runtime::system());
    let mut begun = framed(&[&[1; 500_000]]);
    begun.truncate(50_000);
    // Also while its connection does not read, but waits for it to read responses.
    let stopped = async |reads: bool| {
        let (mut client, mut server) = tokio::io::duplex(1 << 20);
        tokio::io::AsyncWriteExt::write_all(&mut client, &begun).await.expect("it fits");
        let mut reader = new();
        let error = if reads {
            reader.next(&mut server).await.expect_err("it is slow")
        } else {
            assert!(reader.next(&mut server).now_or_never().is_none());
            reader.too_slow().await
        };
        assert!(matches!(error, FrameError::Slow { received: 49_996 }), "{error}");
    };
    let whole = async |bytes: Vec<u8>| {
        let bytes = framed(&[&bytes]);
        new().next(&mut &bytes[..]).await.expect("a whole request").expect("one")
    };
    let both = async {
        tokio::task::yield_now().await;
        // With the reserve, while it is handled; the other one is left with what is free.
        let first = whole(vec![1; 250_000]).await;
        let second = whole(vec![1; 150_000]).await;
        (first, second)
    };
    let all = async { tokio::join!(stopped(true), stopped(false), both) };
    tokio::time::timeout(std::time::Duration::from_secs(20), all).await.expect("room is made");
}
