"""Functional builders, one architecture family a file: `from cnn_suite import models`, then `models.vgg16(...)`."""

from cnn_suite.models.alexnet import alexnet
from cnn_suite.models.face_embedding import face_embedding
from cnn_suite.models.googlenet import googlenet
from cnn_suite.models.lenet import lenet5
from cnn_suite.models.mobileface import mobileface_v2
from cnn_suite.models.mobilenet_v2 import mobilenet_v2
from cnn_suite.models.network_in_network import network_in_network
from cnn_suite.models.openface import openface_nn4_small2
from cnn_suite.models.resnet import (
    plain18,
    plain20,
    plain32,
    plain34,
    plain44,
    plain56,
    plain110,
    resnet18,
    resnet20,
    resnet32,
    resnet34,
    resnet44,
    resnet50,
    resnet56,
    resnet101,
    resnet110,
    resnet152,
)
from cnn_suite.models.squeezenet import squeezenet
from cnn_suite.models.stylizer import stylizer
from cnn_suite.models.vgg import vgg11, vgg13, vgg16, vgg19

__all__ = [
    "alexnet",
    "face_embedding",
    "googlenet",
    "lenet5",
    "mobileface_v2",
    "mobilenet_v2",
    "network_in_network",
    "openface_nn4_small2",
    "plain18",
    "plain20",
    "plain32",
    "plain34",
    "plain44",
    "plain56",
    "plain110",
    "resnet18",
    "resnet20",
    "resnet32",
    "resnet34",
    "resnet44",
    "resnet50",
    "resnet56",
    "resnet101",
    "resnet110",
    "resnet152",
    "squeezenet",
    "stylizer",
    "vgg11",
    "vgg13",
    "vgg16",
    "vgg19",
]
