package speed

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
)

// A file of objects: each in Kubernetes' protobuf envelope behind its length, four bytes, the highest first.

var codec = protobuf.NewSerializer(legacyscheme.Scheme, legacyscheme.Scheme)

// Write makes such a file of what `each` tells.
func Write(name string, each func(tell func(runtime.Object) error) error) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer file.Close()
	out := bufio.NewWriterSize(file, 1<<20)
	err = each(func(object runtime.Object) error {
		kinds, _, err := legacyscheme.Scheme.ObjectKinds(object)
		if err != nil {
			return err
		}
		object.GetObjectKind().SetGroupVersionKind(kinds[0])
		text, err := runtime.Encode(codec, object)
		if err != nil {
			return err
		}
		return errors.Join(binary.Write(out, binary.BigEndian, uint32(len(text))), write(out, text))
	})
	return errors.Join(err, out.Flush())
}

func write(out io.Writer, text []byte) error {
	_, err := out.Write(text)
	return err
}

// Read tells of each object of such a file.
func Read(name string, tell func(runtime.Object)) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	in := bufio.NewReaderSize(file, 1<<20)
	for {
		var size uint32
		if err := binary.Read(in, binary.BigEndian, &size); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		text := make([]byte, size)
		if _, err := io.ReadFull(in, text); err != nil {
			return err
		}
		object, _, err := codec.Decode(text, nil, nil)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		tell(object)
	}
}
