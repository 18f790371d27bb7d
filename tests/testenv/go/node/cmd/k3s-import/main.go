// k3s-import does to an archive what k3s and RKE2 do to the files in their image folders: it imports
// with the same options of the same client library, pins what came, and gives every image that has a
// tag a second name, by digest. The behaviour is that of k3s since pull request 13221.
//
//	k3s-import SOCKET ARCHIVE
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	containerd "github.com/containerd/containerd/v2/client"
	"github.com/containerd/containerd/v2/core/images"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/errdefs"
	"github.com/distribution/reference"
)

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(socket, path string) error {
	ctx := namespaces.WithNamespace(context.Background(), "k8s.io")
	client, err := containerd.New(socket)
	if err != nil {
		return err
	}
	defer client.Close()
	archive, err := os.Open(path)
	if err != nil {
		return err
	}
	defer archive.Close()
	imported, err := client.Import(ctx, archive, containerd.WithAllPlatforms(true), containerd.WithSkipMissing())
	if err != nil {
		return err
	}
	store := client.ImageService()
	var failures []error
	for _, image := range imported {
		image.Labels = map[string]string{"io.cattle.k3s.pinned": "pinned", "io.cri-containerd.pinned": "pinned"}
		if _, err := store.Update(ctx, image, "labels"); err != nil {
			failures = append(failures, err)
		}
		failures = append(failures, nameByDigest(ctx, store, image))
	}
	return errors.Join(failures...)
}

func nameByDigest(ctx context.Context, store images.Store, image images.Image) error {
	name, err := reference.ParseNormalizedNamed(image.Name)
	if err != nil {
		return err
	}
	if _, isTagged := name.(reference.NamedTagged); !isTagged {
		return fmt.Errorf("image %s has no tag", image.Name)
	}
	image.Name = fmt.Sprintf("%s@%s", name.Name(), image.Target.Digest)
	_, err = store.Create(ctx, image)
	if errdefs.IsAlreadyExists(err) {
		_, err = store.Update(ctx, image)
	}
	return err
}
