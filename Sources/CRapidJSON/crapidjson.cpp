#include "crapidjson.h"
