"""The pretrained weights that `cnn-suite pull` knows: addresses, sizes, checksums, licences, figures. Fetches nothing.

Every address names a commit, a release or a file that its publisher does not change. Digests are sha256 of the files
themselves, except for those that keras.applications publishes with an MD5 of its own. Standard library only.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class RemoteFile:
    """One file at its publisher's.

    Attributes:
        name: What it is called in the cache.
        address: Where it is fetched from.
        digest: "sha256:..." or another algorithm of hashlib's with the hexadecimal digest.
        bytes: Its exact size.
    """

    name: str
    address: str
    digest: str
    bytes: int


@dataclass(frozen=True)
class KnownWeights:
    """One row of the table.

    Attributes:
        name: What `cnn-suite pull` calls it.
        task: What the network does.
        files: All its files.
        licence: Under which its publisher gives it away.
        trained_on: The data it was trained on.
        published: The publisher's figure; empty where there is none.
        measured: Our own figure; empty where it was not measured.
        form: What reads it. "darknet" and "mxnet_params" become model folders; the other forms stay files, for a
            builder's `weights`.
        corrections: Lines of the .cfg to replace, each as it is and as it must be.
    """

    name: str
    task: str
    files: tuple[RemoteFile, ...]
    licence: str
    trained_on: str
    published: str
    measured: str
    form: str
    corrections: tuple[tuple[str, str], ...] = ()

    @property
    def bytes(self) -> int:
        """The size of all its files."""
        return sum(file.bytes for file in self.files)

    @property
    def becomes_folder(self) -> bool:
        """Whether it becomes a model folder, which apps open by its name."""
        return self.form in ("darknet", "mxnet_params")


_GITHUB = "https://raw.githubusercontent.com"
_REDMON = f"{_GITHUB}/pjreddie/darknet/f6afaabcdf85f77e7aff2ec55c020c0e297c77f9"
_FASTEST = f"{_GITHUB}/dog-qiuqiu/Yolo-Fastest/96a2900d163196c396e73f3fdab04ca4dd9a2f70/ModelZoo/yolo-fastest-1.1_coco"
_KERAS = "https://storage.googleapis.com/tensorflow/keras-applications"
_COCO_NAMES = RemoteFile(
    "coco.names",
    f"{_REDMON}/data/coco.names",
    "sha256:634a1132eb33f8091d60f2c346ababe8b905ae08387037aed883953b7329af84",
    625,
)


def _darknet(
    name: str,
    cfg: RemoteFile,
    weights: RemoteFile,
    published: str,
    *,
    measured: str = "",
    corrections: tuple[tuple[str, str], ...] = (),
) -> KnownWeights:
    return KnownWeights(
        name=name,
        task="detection",
        files=(cfg, weights, _COCO_NAMES),
        licence="public domain (YOLO licence)",
        trained_on="COCO, 80 classes",
        published=published,
        measured=measured,
        form="darknet",
        corrections=corrections,
    )


def _keras(name: str, path: str, digest: str, size: int, licence: str, published: str) -> KnownWeights:
    return KnownWeights(
        name=name,
        task="features" if name.endswith("-notop") else "classification",
        files=(RemoteFile(path.rpartition("/")[2], f"{_KERAS}/{path}", digest, size),),
        licence=licence,
        trained_on="ImageNet, 1000 classes",
        published=published,
        measured="",
        form="keras_applications",
    )


_ROWS = (
    _darknet(
        "yolo-fastest-1.1",
        RemoteFile(
            "yolo-fastest-1.1.cfg",
            f"{_FASTEST}/yolo-fastest-1.1.cfg",
            "sha256:f6df5775c1e862998cf69046eba9265be3ae84dfe8b2caab7529823f0795bf70",
            9_685,
        ),
        RemoteFile(
            "yolo-fastest-1.1.weights",
            f"{_FASTEST}/yolo-fastest-1.1.weights",
            "sha256:1c445c42bbd6df63edea2cc69f99667b5650d663ca11e34b116240740cd42890",
            1_384_268,
        ),
        "COCO AP50 24.4 at 320",
    ),
    _darknet(
        "yolo-fastest-1.1-xl",
        RemoteFile(
            "yolo-fastest-1.1-xl.cfg",
            f"{_FASTEST}/yolo-fastest-1.1-xl.cfg",
            "sha256:c458427acc4fbeabceff4528ef7b65b066c0308ce599460f8ba299eba63abad3",
            9_696,
        ),
        RemoteFile(
            "yolo-fastest-1.1-xl.weights",
            f"{_FASTEST}/yolo-fastest-1.1-xl.weights",
            "sha256:fac5fb41786c1f38f04972a658443b189f48720d7d117f9a044100e98a35b0c5",
            3_693_964,
        ),
        "COCO AP50 34.3 at 320",
    ),
    _darknet(
        "yolov2-tiny",
        RemoteFile(
            "yolov2-tiny.cfg",
            f"{_GITHUB}/david8862/keras-YOLOv3-model-set/d38c3d865f7190ee9b19a30e91f2b750a31320c1/cfg/yolov2-tiny.cfg",
            "sha256:58e8f4390c8080a90a40f3b7ec5868ee9ae32519f3c08f57d104e494de04b34d",
            1_488,
        ),
        RemoteFile(
            "yolov2-tiny.weights",
            "https://pjreddie.com/media/files/yolov2-tiny.weights",
            "sha256:16f4e870f1aed83f0089cb69bfda6b53cb7b2a4a01721be56eaf5c899dfac45f",
            44_948_600,
        ),
        "COCO mAP 29.1 at 416 (measured by Open Model Zoo)",
    ),
    _darknet(
        "yolov3",
        RemoteFile(
            "yolov3.cfg",
            f"{_REDMON}/cfg/yolov3.cfg",
            "sha256:22489ea38575dfa36c67a90048e8759576416a79d32dc11e15d2217777b9a953",
            8_342,
        ),
        RemoteFile(
            "yolov3.weights",
            "https://pjreddie.com/media/files/yolov3.weights",
            "sha256:523e4e69e1d015393a1b0a441cef1d9c7659e3eb2d7e15f793f060a21b32f297",
            248_007_048,
        ),
        "COCO AP50 57.9 at 608",
    ),
    _darknet(
        "yolov3-tiny",
        RemoteFile(
            "yolov3-tiny.cfg",
            f"{_REDMON}/cfg/yolov3-tiny.cfg",
            "sha256:84eb7a675ef87c906019ff5a6e0effe275d175adb75100dcb47f0727917dc2c7",
            1_915,
        ),
        RemoteFile(
            "yolov3-tiny.weights",
            "https://pjreddie.com/media/files/yolov3-tiny.weights",
            "sha256:dccea06f59b781ec1234ddf8d1e94b9519a97f4245748a7d4db75d5b7080a42c",
            35_434_956,
        ),
        "COCO AP50 33.1 at 416",
        # These weights were trained while the .cfg still said 1,2,3 (AlexeyAB/darknet issue 1341): with the masks of
        # today's file every box of the finer grid has the wrong size.
        corrections=(("mask = 0,1,2", "mask = 1,2,3"),),
    ),
    _darknet(
        "yolov4-tiny",
        RemoteFile(
            "yolov4-tiny.cfg",
            f"{_GITHUB}/hank-ai/darknet/v2.0/cfg/yolov4-tiny.cfg",
            "sha256:f858e3724962eedf3ac44e3b6cb3f0c3d9ed067c306bb831f539c578b924c90e",
            3_231,
        ),
        RemoteFile(
            "yolov4-tiny.weights",
            "https://github.com/AlexeyAB/darknet/releases/download/darknet_yolo_v4_pre/yolov4-tiny.weights",
            "sha256:cf9fbfd0f6d4869b35762f56100f50ed05268084078805f0e7989efe5bb8ca87",
            24_251_276,
        ),
        "COCO AP50 40.2 at 416",
    ),
    KnownWeights(
        name="squeezenet1.0-compressed",
        task="classification",
        files=(
            RemoteFile(
                "compressed_SqueezeNet.net",
                f"{_GITHUB}/songhan/SqueezeNet-Deep-Compression/5623e3cdbe1fcd83328c61ce2ee42c34ed319aa3/"
                "compressed_SqueezeNet.net",
                "sha256:e4ab6960ae8cd81505e1c2136921201507e930966c53deaf15862a395b3a3261",
                675_763,
            ),
        ),
        licence="BSD",
        trained_on="ImageNet, 1000 classes",
        published="top-1 57.5 %, top-5 80.3 %",
        measured="",
        form="squeezenet",
    ),
    KnownWeights(
        name="squeezenet1.1-notop",
        task="features",
        files=(
            RemoteFile(
                "squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5",
                f"{_GITHUB}/rcmalli/keras-squeezenet/8cebee42add4737b9a352ffac6bf8e96c217146d/weights/"
                "squeezenet_weights_tf_dim_ordering_tf_kernels_notop.h5",
                "sha256:2d935d8c102ad1232484a77da8e6fbdf3ff4ab608974a0d8b6283115ffff204f",
                3_032_184,
            ),
        ),
        licence="MIT",
        trained_on="ImageNet, 1000 classes",
        published="",
        measured="",
        form="squeezenet",
    ),
    _keras(
        "vgg16",
        "vgg16/vgg16_weights_tf_dim_ordering_tf_kernels.h5",
        "md5:64373286793e3c8b2b4e3219cbf3544b",
        553_467_096,
        "CC BY 4.0",
        "top-1 71.3 %, top-5 90.1 %",
    ),
    _keras(
        "vgg16-notop",
        "vgg16/vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "md5:6d6bbae143d832006294945121d1f1fc",
        58_889_256,
        "CC BY 4.0",
        "",
    ),
    _keras(
        "vgg19",
        "vgg19/vgg19_weights_tf_dim_ordering_tf_kernels.h5",
        "md5:cbe5617147190e668d6c5d5026f83318",
        574_710_816,
        "CC BY 4.0",
        "top-1 71.3 %, top-5 90.0 %",
    ),
    _keras(
        "vgg19-notop",
        "vgg19/vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "md5:253f8cb515780f3b799900260a226db6",
        80_134_624,
        "CC BY 4.0",
        "",
    ),
    _keras(
        "resnet50",
        "resnet/resnet50_weights_tf_dim_ordering_tf_kernels.h5",
        "md5:2cb95161c43110f7111970584f804107",
        102_967_424,
        "MIT",
        "top-1 74.9 %, top-5 92.1 %",
    ),
    _keras(
        "resnet50-notop",
        "resnet/resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "md5:4d473c1dd8becc155b73f8504c6f6626",
        94_765_736,
        "MIT",
        "",
    ),
    _keras(
        "mobilenet_v2",
        "mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5",
        "sha256:3e195a2857356cfc092cbbb460beb2a5bce279015d7792598b8d3d9e451902e3",
        14_536_120,
        "Apache-2.0",
        "top-1 71.3 %, top-5 90.1 %",
    ),
    KnownWeights(
        name="yunet",
        task="face detection",
        files=(
            RemoteFile(
                "face_detection_yunet_2023mar.onnx",
                # The repository keeps it in Git LFS: its raw address gives a pointer of 131 bytes, this one the file.
                "https://media.githubusercontent.com/media/opencv/opencv_zoo/82b38c8f98e7b52aa171400f3e4c722352d0669f/"
                "models/face_detection_yunet/face_detection_yunet_2023mar.onnx",
                "sha256:8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
                232_589,
            ),
        ),
        licence="MIT",
        trained_on="WIDER Face",
        published="WIDER Face AP 0.884 easy, 0.866 medium, 0.750 hard",
        measured="a face in each of 100 LFW photographs",
        form="onnx",
    ),
    KnownWeights(
        name="mobileface-v2",
        task="face embedding",
        files=(
            RemoteFile(
                "MobileFace_Identification_V2-0000.params",
                f"{_GITHUB}/becauseofAI/MobileFace/6e98dd3f5657f143d3affb2697e96fe0ab9ce3c3/"
                "MobileFace_Identification/MobileFace_Identification_V2-0000.params",
                "sha256:750057619a1eef8acb320339aebf0bbcf191497e1396a361c8aaba517bbe825e",
                3_582_482,
            ),
        ),
        licence="MIT",
        trained_on="not said by its publisher",
        published="LFW 99.653 %",
        measured="99.76 % of all pairs of 100 LFW photographs, TAR 0.978 at FAR 1e-3, aligned by YuNet",
        form="mxnet_params",
    ),
)

KNOWN: dict[str, KnownWeights] = {row.name: row for row in _ROWS}
