//! Another codec for the same records (`compression.type`), a little at a time.

use bytes::{Buf, Bytes};

use crate::{
    batch::Batch,
    codec::{Buffer, Compression, Decoder, Decompressed, Encoder},
    error::BatchError,
    header::{Attributes, BatchHeader, HEADER_LEN},
};

/// How much is decompressed at a time.
const SLICE: usize = 64 * 1024;

/// Compresses the records of a batch that was checked with another codec. They stay byte for byte
/// what they are, so that only what is compressed of them is in memory.
#[derive(Debug)]
pub struct Recompression {
    header: BatchHeader,
    payload: Bytes,
    decoder: Option<(Decoder, Buffer)>,
    encoder: Encoder,
}

impl Recompression {
    /// Begins to compress the records of `batch` with `codec` at its level, or at its default.
    ///
    /// Errors: [`BatchError::Codec`], [`BatchError::Compression`].
    pub fn new(batch: &Batch, codec: Compression, level: Option<i32>) -> Result<Self, BatchError> {
        let mut header = *batch.header();
        let payload = batch.payload();
        let decoder = Decoder::new(header.attributes.compression()?, payload.clone())?;
        header.attributes = Attributes::new(
            codec,
            header.attributes.is_transactional(),
            header.attributes.is_control(),
        );
        let decoder = decoder.map(|decoder| (decoder, Buffer::new(SLICE)));
        let encoder = Encoder::new(codec, level, vec![0; HEADER_LEN])?;
        Ok(Self { header, payload, decoder, encoder })
    }

    /// The size of the batch so far, about: codecs keep some of what they get.
    pub fn size(&self) -> usize {
        self.encoder.len()
    }

    /// How much memory it has beside the batch that it reads, about.
    pub fn memory(&self) -> usize {
        let decoder = self.decoder.as_ref();
        decoder.map_or(0, |(decoder, _)| decoder.memory() + SLICE) + self.encoder.memory()
    }

    /// Goes on for about `budget` decompressed bytes; the batch at the end.
    ///
    /// Errors: [`BatchError::Compression`], [`BatchError::TooLarge`] above 2 GiB.
    pub fn step(mut self, budget: usize) -> Result<Recompressed, BatchError> {
        let mut left = budget.max(1);
        while left > 0 {
            let read = match &mut self.decoder {
                Some((decoder, buffer)) => {
                    let read = decoder.read(buffer)?;
                    if let Decompressed::Some(len) = read {
                        self.encoder.write(&buffer[..len])?;
                    }
                    read
                }
                None if self.payload.is_empty() => Decompressed::End,
                None => {
                    let len = self.payload.len().min(SLICE);
                    self.encoder.write(&self.payload[..len])?;
                    self.payload.advance(len);
                    Decompressed::Some(len)
                }
            };
            left = left.saturating_sub(match read {
                Decompressed::Some(len) => len,
                Decompressed::Pending => Decompressed::PENDING_COST,
                Decompressed::End => {
                    return Batch::seal(self.header, self.encoder.finish()?)
                        .map(Recompressed::Done);
                }
            });
        }
        Ok(Recompressed::Pending(self))
    }
}

/// How far it is.
#[derive(Debug)]
pub enum Recompressed {
    Pending(Recompression),
    Done(Batch),
}
