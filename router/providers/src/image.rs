//! Images in the form that chat completions take.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::chat::Image;

/// The image as a URL: its own, or a `data:` URL with the bytes.
pub(crate) fn url(image: &Image) -> String {
    match image {
        Image::Url(url) => url.clone(),
        Image::Inline { media_type, data } => {
            format!(
                "data:{};base64,{}",
                media_type.as_str(),
                STANDARD.encode(data)
            )
        }
    }
}
