//! Images: those that keys name, and those in texts that services get.

use a4co_bundle::Image;

use super::Resolver;
use crate::{
    component::{Container, Variable},
    image::ImageReference,
    manifests::pin_text,
};

impl Resolver<'_, '_> {
    /// Returns `image` by its digest; nothing if it has no pin, which has been reported.
    pub(super) fn image(&self, image: &ImageReference) -> String {
        self.pins.get(image).map(Image::reference).unwrap_or_default()
    }

    /// Returns `text` with every image in it by its digest.
    pub(super) fn pinned(&self, mut text: String) -> String {
        pin_text(&mut text, &self.environment.not_images, &self.pins);
        text
    }

    /// Returns `container` with every image that its command, arguments and variables name by its
    /// digest.
    pub(super) fn pinned_container(&self, mut container: Container) -> Container {
        for list in [&mut container.command, &mut container.args] {
            *list = std::mem::take(list).into_iter().map(|text| self.pinned(text)).collect();
        }
        for variable in container.variables.values_mut() {
            if let Variable::Text(text) = variable {
                *text = self.pinned(std::mem::take(text));
            }
        }
        container
    }
}
