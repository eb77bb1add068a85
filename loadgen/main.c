#include "commands.h"

int main(int argc, char **argv)
{
    return load_main(argc, argv);
}
